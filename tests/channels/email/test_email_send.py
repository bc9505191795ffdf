import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from channels.base import ExternalId, Lookup, OutboundMessage
from channels.email import NAMES, connect
from channels.email.channel import EmailChannel
from channels.email.send import Relay, StartTLS
from channels.errors import SendError, TryLater, Unclear, Undeliverable
from tests.channels.email.mail_samples import KEY, OUR_ID, TOKEN

HELLO = ("220 relay", "250 relay", "250 ok", "250 ok", "354 go")
MAIL = OutboundMessage(
    idempotency_key=KEY,
    to=ExternalId(type="email", value="jane@client.example"),
    sender=ExternalId(type="email", value="support@desk.example"),
    subject="Re: The invoice",
    body="line\n.\n..two",
    thread=TOKEN,
)


class ScriptedRelay:
    """Another side that says its lines in turn, and hangs up after the last; an empty line is said by silence."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.heard = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self) -> None:
        connection, _ = self.listener.accept()
        with closing(connection):
            for number, answer in enumerate(self.answers):
                if number:
                    self.hear(connection, b"\r\n.\r\n" if self.answers[number - 1].startswith("354") else b"\r\n")
                if not answer:
                    self.hear(connection, b"never")
                    return
                connection.sendall(answer.encode() + b"\r\n")

    def hear(self, connection: socket.socket, end: bytes) -> None:
        said = b""
        while not said.endswith(end):
            piece = connection.recv(65536)
            if not piece:
                return
            said += piece
            self.heard += piece


@contextmanager
def relay(*answers: str) -> Iterator[ScriptedRelay]:
    scripted = ScriptedRelay(answers)
    thread = threading.Thread(target=scripted.run)
    thread.start()
    with closing(scripted.listener):
        yield scripted
        thread.join(10)


def send(scripted: ScriptedRelay, query: str = "", timeout: str = "5") -> ExternalId:
    url = f"smtp://127.0.0.1:{scripted.port}{query}"
    (channel,) = connect({"SMTP_RELAY_URL": url, "SMTP_TIMEOUT": timeout, "SMTP_HOSTNAME": "desk.example"}).channels
    return channel.send(MAIL)


def failure(*answers: str, timeout: str = "5", query: str = "") -> SendError:
    with relay(*answers) as scripted, pytest.raises(SendError) as caught:
        send(scripted, query, timeout)
    assert "@" not in str(caught.value)
    return caught.value


def test_a_relays_yes_gives_our_message_id() -> None:
    with relay(*HELLO, "250 queued", "221 bye") as scripted:
        assert send(scripted) == ExternalId(type="email", value=OUR_ID)
    assert b"MAIL FROM:<support@desk.example>\r\nRCPT TO:<jane@client.example>\r\nDATA\r\n" in scripted.heard
    assert scripted.heard.count(b"\r\n.\r\n") == 1


def test_a_relay_that_hangs_up_after_its_yes_has_still_said_yes() -> None:
    with relay(*HELLO, "250 queued") as scripted:
        assert send(scripted).value == OUR_ID


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
    (channel,) = connect({"SMTP_RELAY_URL": f"smtp://127.0.0.1:{port}"}).channels
    with pytest.raises(TryLater):
        channel.send(MAIL)


@pytest.mark.parametrize(
    ("answer", "code", "bad"),
    [
        ("550 5.1.1 <jane@client.example> unknown", "5.1.1", True),
        ("550 5.7.1 <jane@client.example> blocked", "5.7.1", False),
        ("553 no such host", "553", False),
    ],
)
def test_a_refused_recipient_is_undeliverable(answer: str, code: str, bad: bool) -> None:  # noqa: FBT001 - a row of the table
    error = failure("220 relay", "250 relay", "250 ok", answer)
    assert isinstance(error, Undeliverable)
    assert (error.code, error.bad_address) == (code, bad)


def test_a_refused_mail_is_undeliverable_to_a_good_address() -> None:
    error = failure(*HELLO, "554 5.6.0 looks like spam")
    assert isinstance(error, Undeliverable)
    assert not error.bad_address


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
    with relay(*HELLO, "251 will forward", "221 bye") as scripted:
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
    channel = EmailChannel.from_environment({})
    assert (channel.connected, channel.send_timeout, channel.lookup, NAMES) == (False, 65.0, Lookup(), ("email",))
    assert channel.split("a\n\nb") == ("a\n\nb",)
    assert channel.find_sent(MAIL, datetime.now(UTC)) == ()
    with pytest.raises(TryLater):
        channel.send(MAIL)
