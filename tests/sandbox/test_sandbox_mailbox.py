"""The mailbox, and the mail program that writes to the product; here the mailbox stands in for the product's door."""

import base64
import smtplib

import pytest

from sandbox.client import Sandbox, file
from sandbox.faults import Fault
from tests.sandbox.product import Running

RAW = b"Subject: bare\r\nMessage-ID: <one@desk.example>\r\n\r\nline\r\n..dots\r\n"


def test_a_mail_is_kept_byte_for_byte(sandbox: Sandbox, running: Running) -> None:
    with smtplib.SMTP("127.0.0.1", running.smtp_port) as door:
        door.sendmail("bounce@desk.example", ["cleo@client.example"], RAW)
    mail = sandbox.mailbox()[-1]
    assert base64.b64decode(mail["raw_base64"]) == RAW
    assert (mail["from"], mail["to"], mail["headers"]["Subject"]) == (
        "bounce@desk.example",
        ["cleo@client.example"],
        "bare",
    )
    assert sandbox.ledger("mailbox", "mail")[-1]["message_id"] == "<one@desk.example>"


def test_a_written_mail_arrives_readable(sandbox: Sandbox) -> None:
    attachments = [file("a.pdf", b"%PDF", "application/pdf")]
    answer = sandbox.mail("cleo@client.example", "desk@desk.example", "Größe", "Hello", attachments=attachments)
    mail = sandbox.mailbox()[-1]
    assert (answer["code"], mail["headers"]["Subject"], mail["text"].strip()) == (250, "Größe", "Hello")
    assert mail["files"] == ["a.pdf"]


def test_raw_bytes_are_handed_in_as_they_are(sandbox: Sandbox) -> None:
    sandbox.raw_mail("", ["desk@desk.example"], RAW)
    assert (sandbox.mailbox()[-1]["from"], base64.b64decode(sandbox.mailbox()[-1]["raw_base64"])) == ("", RAW)


@pytest.mark.parametrize("code", [450, 550])
def test_a_refused_recipient_gets_the_code_until_taken_again(sandbox: Sandbox, code: int) -> None:
    sandbox.refuse("full@client.example", code, "mailbox full")
    assert sandbox.mail("a@desk.example", "Full@client.example")["code"] == code
    sandbox.refuse("full@client.example", 0)
    assert sandbox.mail("a@desk.example", "full@client.example")["code"] == 250


def test_a_reset_after_data_leaves_the_mail_and_no_answer(sandbox: Sandbox, running: Running) -> None:
    before = len(sandbox.mailbox())
    sandbox.fault(Fault(service="mailbox", kind="reset_after_data"))
    with smtplib.SMTP("127.0.0.1", running.smtp_port) as door, pytest.raises((smtplib.SMTPException, OSError)):
        door.sendmail("a@desk.example", ["b@client.example"], RAW)
    assert len(sandbox.mailbox()) == before + 1


def test_silence_after_data_lasts_until_the_sender_gives_up(sandbox: Sandbox, running: Running) -> None:
    before = len(sandbox.mailbox())
    sandbox.fault(Fault(service="mailbox", kind="silence_after_data"))
    door = smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=0.5)
    with pytest.raises((smtplib.SMTPException, TimeoutError)):
        door.sendmail("a@desk.example", ["b@client.example"], RAW)
    door.close()
    assert len(sandbox.mailbox()) == before + 1
