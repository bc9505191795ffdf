import socket
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from channels.base import Channel, ExternalId, Lookup, OutboundMessage
from channels.email import NAMES, connect
from channels.email.channel import EmailChannel
from channels.email.relay import Relay, StartTLS
from channels.errors import SendError, TryLater, Unclear, Undeliverable
from tests.channels.email.mail_samples import KEY, OUR_ID, TOKEN
from tests.channels.email.scripted_relay import ScriptedRelay, relay
from tests.channels.email.smtp_talk import Intake, door

HELLO = ("220 relay", "250 relay", "250 ok", "250 ok", "354 go")
MAIL = OutboundMessage(
    idempotency_key=KEY,
    to=ExternalId(type="email", value="jane@client.example"),
    sender=ExternalId(type="email", value="support@desk.example"),
    subject="Re: The invoice",
    body="line\n.\n..two",
    thread=TOKEN,
)


def channel(url: str, timeout: str = "5") -> Channel:
    (made,) = connect({"SMTP_RELAY_URL": url, "SMTP_TIMEOUT": timeout, "SMTP_HOSTNAME": "desk.example"}).channels
    return made


def send(scripted: ScriptedRelay, query: str = "", timeout: str = "5", mail: OutboundMessage = MAIL) -> ExternalId:
    return channel(f"smtp://127.0.0.1:{scripted.port}{query}", timeout).send(mail)


def failure(*answers: str, timeout: str = "5", query: str = "") -> SendError:
    with relay(*answers) as scripted, pytest.raises(SendError) as caught:
        send(scripted, query, timeout)
    assert "@" not in str(caught.value)
    return caught.value


def test_a_relays_yes_gives_our_message_id() -> None:
    with relay(*HELLO, "250 queued") as scripted:
        assert send(scripted) == ExternalId(type="email", value=OUR_ID)
    assert b"MAIL FROM:<support@desk.example>\r\nRCPT TO:<jane@client.example>\r\nDATA\r\n" in scripted.heard
    assert scripted.heard.count(b"\r\n.\r\n") == 1


@pytest.mark.parametrize(
    "answers",
    [
        (),
        ("421 busy",),
        ("554 not you",),
        ("220 relay", "250 relay", "451 later"),
        ("220 relay", "250 relay", "530 5.7.0 log in first"),
        ("220 relay", "250 relay", "250 ok", "450 4.2.1 greylisted jane@client.example"),
        ("220 relay", "250 relay", "250 ok", "250 ok"),
        ("220 relay", "250 relay", "250 ok", "250 ok", "452 full"),
        (*HELLO, "451 4.3.0 later"),
        (*HELLO, "421 4.3.2 shutting down"),
    ],
)
def test_trouble_before_the_relay_took_it_is_tried_later(answers: tuple[str, ...]) -> None:
    assert isinstance(failure(*answers), TryLater)


def test_a_refused_connection_is_tried_later() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TryLater):
        channel(f"smtp://127.0.0.1:{port}").send(MAIL)


# What a relay says to a recipient: tried later, or never again, and then whether the address is at fault.
LATER = [
    "421 4.3.2 shutting down",
    "450 4.2.0 <jane@client.example> greylisted, try again in 300 seconds",
    "450 4.1.1 unverified address",
    "451 4.7.1 greylisting in action",
    "451 4.3.0 local error",
    "452 4.2.2 mailbox full for now",
    "452 4.5.3 too many recipients",
    "454 4.7.0 not just now",
    "432 4.3.2 too many connections",
]
NEVER = [
    ("550 5.1.1 <jane@client.example> unknown", "5.1.1", True),
    ("550 5.1.10 null MX", "5.1.10", True),
    ("550 5.2.1 mailbox disabled", "5.2.1", False),
    ("550 5.7.1 <jane@client.example> blocked", "5.7.1", False),
    ("550 no such user", "550", False),
    ("551 5.1.6 moved away", "5.1.6", True),
    ("552 5.2.2 mailbox full", "5.2.2", False),
    ("552 too large", "552", False),
    ("553 5.1.3 bad syntax", "5.1.3", True),
    ("553 no such host", "553", False),
    ("554 5.7.1 refused by policy", "5.7.1", False),
    ("554 no", "554", False),
    ("500 what?", "500", False),
]


@pytest.mark.parametrize("answer", LATER)
def test_a_recipient_put_off_is_tried_later(answer: str) -> None:
    assert isinstance(failure("220 relay", "250 relay", "250 ok", answer), TryLater)


@pytest.mark.parametrize("answer", [each for each in LATER if not each.startswith("421")])
def test_a_mail_put_off_after_its_last_line_is_tried_later(answer: str) -> None:
    assert isinstance(failure(*HELLO, answer), TryLater)


@pytest.mark.parametrize(("answer", "code", "bad"), NEVER)
def test_a_refused_recipient_is_undeliverable(answer: str, code: str, bad: bool) -> None:  # noqa: FBT001 - a row of the table
    error = failure("220 relay", "250 relay", "250 ok", answer)
    assert isinstance(error, Undeliverable)
    assert (error.code, error.bad_address) == (code, bad)


@pytest.mark.parametrize(("answer", "code"), [row[:2] for row in NEVER])
def test_a_refused_mail_is_undeliverable_and_its_address_good(answer: str, code: str) -> None:
    error = failure(*HELLO, answer)
    assert isinstance(error, Undeliverable)
    assert (error.code, error.bad_address) == (code, False)


SMUGGLED = "\nMAIL FROM:<a@x>\nRCPT TO:<b@x>\nDATA\nSubject: smuggled\n\nx\n"


@pytest.mark.parametrize(
    "end", ["\n.\n", "\r.\r", "\r\n.\r\n", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\r", "\n..\n", "\n.\n.\n"]
)
def test_a_body_never_ends_the_mail_before_its_end(end: str) -> None:
    mail = replace(MAIL, body=f"before{end}{SMUGGLED}", subject=f"x{end}", sender_name=f"y{end}")
    with relay(*HELLO, "250 queued") as scripted:
        send(scripted, mail=mail)
    said = scripted.heard.partition(b"DATA\r\n")[2]
    assert said.endswith(b"\r\n.\r\n")
    assert said.count(b"\r\n.\r\n") == 1
    assert b"\r" not in said.replace(b"\r\n", b"")
    assert b"\n" not in said.replace(b"\r\n", b"")
    intake = Intake()
    with door(intake) as port:
        to_us = replace(mail, to=ExternalId(type="email", value="support@desk.example"))
        channel(f"smtp://127.0.0.1:{port}").send(to_us)
    assert len(intake.accepted) == 1
    assert b"smuggled" in intake.accepted[0].payload


def test_no_answer_to_the_final_dot_is_unclear() -> None:
    assert isinstance(failure(*HELLO), Unclear)
    assert isinstance(failure(*HELLO, "", timeout="1"), Unclear)


@pytest.mark.parametrize(
    "answer", ["2", "25", "200", "252", "220 relay", "354 go on", "-1 x", "600 what", "queued as 7", " ", "5", "45"]
)
def test_an_answer_to_the_final_dot_that_is_neither_yes_nor_no_is_unclear(answer: str) -> None:
    assert isinstance(failure(*HELLO, answer), Unclear)


def test_an_answer_to_the_final_dot_that_breaks_off_is_unclear() -> None:
    assert isinstance(failure(*HELLO, "250-queued as"), Unclear)
    assert isinstance(failure(*HELLO, "\r\n250 late"), Unclear)


def test_a_yes_with_forwarding_is_a_yes() -> None:
    with relay(*HELLO, "251 will forward") as scripted:
        assert send(scripted).value == OUR_ID


def test_silence_before_the_final_dot_is_tried_later() -> None:
    assert isinstance(failure("220 relay", "250 relay", "", timeout="1"), TryLater)


def test_a_relay_without_the_encryption_demanded_is_tried_later() -> None:
    assert isinstance(failure("220 relay", "250 relay", query="?starttls=required"), TryLater)


def test_an_offered_encryption_that_fails_is_never_gone_without() -> None:
    with relay("220 relay", "250-relay\r\n250 STARTTLS", "454 not now") as scripted, pytest.raises(TryLater):
        send(scripted)
    assert b"MAIL" not in scripted.heard


def test_a_relay_is_read_from_its_url() -> None:
    found = Relay.from_url("smtps://desk%40x:p%40ss@relay.example")
    assert (found.host, found.port, found.tls, found.user, found.password) == (
        "relay.example",
        465,
        True,
        "desk@x",
        "p@ss",
    )
    assert Relay.from_url("smtp://relay.example?starttls=off").starttls is StartTLS.OFF
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "http://u:secret@x",
        "smtp://u:secret@",
        "smtp://u:secret@x:port",
        "smtp://u:secret@x?starttls=maybe",
        "smtp://u:secrét@x",
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_RELAY_URL") as caught:
        connect({"SMTP_RELAY_URL": url})
    assert "secr" not in str(caught.value)


def test_without_a_relay_the_channel_reads_and_does_not_send() -> None:
    made = EmailChannel.from_environment({})
    assert (made.connected, made.send_timeout, made.lookup, NAMES) == (False, 65.0, Lookup(), ("email",))
    assert made.split("a\n\nb") == ("a\n\nb",)
    assert made.find_sent(MAIL, datetime.now(UTC)) == ()
    with pytest.raises(TryLater):
        made.send(MAIL)
