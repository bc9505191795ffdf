"""Mails as files, and small ones made on the spot."""

from pathlib import Path

from channels.base import DeliveryReport, InboundMessage, RawEvent
from channels.email.event import raw_event
from channels.email.parse import parse

MAILS = Path(__file__).parent / "mails"
TOKEN = "42.abcdefghijklmnopqrstuvwxyz"
KEY = "0f1e2d3c-4b5a-4678-9abc-def012345678"
OUR_ID = f"t{TOKEN}.{KEY}@desk.example"


def sample(name: str) -> bytes:
    return (MAILS / f"{name}.eml").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def arrived(payload: bytes, rcpt: str = "support@desk.example", mail_from: str = "jane@client.example") -> RawEvent:
    return raw_event(payload, mail_from=mail_from, rcpt_tos=[rcpt], peer="192.0.2.7", mailboxes=[rcpt])


def message(
    payload: bytes, rcpt: str = "support@desk.example", mail_from: str = "jane@client.example"
) -> InboundMessage:
    (found,) = parse(arrived(payload, rcpt, mail_from))
    assert isinstance(found, InboundMessage)
    return found


def report(payload: bytes) -> DeliveryReport:
    (found,) = parse(arrived(payload, mail_from=""))
    assert isinstance(found, DeliveryReport)
    return found


def mail(body: str = "Hello.", **headers: str) -> bytes:
    fields = {"From": "jane@client.example", "To": "support@desk.example", "Message-ID": "<m@client.example>"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"{head}\r\n{body}".encode("utf-8", "surrogateescape")
