import logging
import smtplib
import ssl
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from structlog.testing import capture_logs

from channels.email.parse import parse
from channels.email.smtp_server import Limits
from tests.channels.email.mail_samples import mail
from tests.channels.email.smtp_talk import Intake, Talk, door, talk

BODY = b"From: jane@client.example\r\nMessage-ID: <a@client.example>\r\n\r\nHello.\r\n"


def ready_for_data(conversation: Talk) -> Talk:
    conversation.say("MAIL FROM:<jane@client.example>")
    conversation.say("RCPT TO:<support@desk.example>")
    assert conversation.say("DATA").startswith("354")
    return conversation


def deliver(
    port: int, payload: bytes = BODY, *, to: str = "support@desk.example", sender: str = "jane@client.example"
) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.example", timeout=10) as client:
        client.sendmail(sender, [to], payload)


def test_a_mail_arrives_byte_for_byte() -> None:
    intake = Intake()
    payload = BODY + b".leading\r\n..two\r\n.\r\n" + b"\xff\x00" + b"x" * 5_000 + b"\r\n"
    with door(intake) as port:
        deliver(port, payload)
    assert intake.accepted[0].payload == payload
    facts = {
        "mail_from": "jane@client.example",
        "rcpt_tos": ["support@desk.example"],
        "peer": "127.0.0.1",
        "via": "smtp",
    }
    assert intake.accepted[0].facts == facts


def test_a_tagged_recipient_is_ours_and_keeps_its_tag() -> None:
    intake = Intake()
    with door(intake) as port:
        deliver(port, to="Support+t42.abc@Desk.EXAMPLE")
    assert intake.accepted[0].facts["rcpt_tos"] == ["Support+t42.abc@Desk.EXAMPLE"]


def test_the_null_sender_is_taken() -> None:
    intake = Intake()
    with door(intake) as port:
        deliver(port, sender="")
    assert intake.accepted[0].facts["mail_from"] == ""


@pytest.mark.parametrize(
    "recipient",
    [
        "<jane@client.example>",
        "<jane%client.example@desk.example>",
        "<@desk.example:jane@client.example>",
        '<"jane@client.example"@desk.example>',
        "<client.example!jane@desk.example>",
        "<support@desk.example@client.example>",
        "<support>",
        "<postmaster>",
        "<>",
        "<" + "(" * 400 + "@desk.example>",
        "<sübport@desk.example>",
        b"<\xff\xfe@desk.example>",
    ],
)
def test_whoever_is_not_ours_is_unknown(recipient: str | bytes) -> None:
    raw = recipient.encode() if isinstance(recipient, str) else recipient
    with door(Intake()) as port, talk(port) as conversation:
        conversation.say("MAIL FROM:<jane@client.example>")
        assert conversation.say(b"RCPT TO:" + raw) == "550 5.1.1 Unknown recipient"
        assert conversation.say("RCPT TO:<support@desk.example>").startswith("250")


ENDINGS = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\x00.\r\n"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("pipelined", [True, False])
def test_only_dot_between_crlf_ends_a_mail(ending: bytes, pipelined: bool) -> None:  # noqa: FBT001 - a row of the table
    intake = Intake()
    smuggled = (
        b"MAIL FROM:<evil@x>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\nFrom: agent@desk.example\r\n\r\nSmuggled\r\n"
    )
    first, second = BODY + b"end" + ending, smuggled
    with door(intake) as port, talk(port) as conversation:
        ready_for_data(conversation)
        for piece in (first + second,) if pipelined else (first, second):
            conversation.socket.sendall(piece)
        assert conversation.say(b".").startswith("250")
        assert conversation.say("NOOP").startswith("250")
    (event,) = intake.accepted
    assert event.payload == (first + second).replace(b"\r\n.", b"\r\n")


def test_pipelined_mails_are_each_answered() -> None:
    intake = Intake()
    one = b"MAIL FROM:<a@x>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\n" + BODY + b".\r\n"
    with door(intake) as port, talk(port) as conversation:
        conversation.socket.sendall(one * 3 + b"QUIT\r\n")
        assert [conversation.hear()[:3] for _ in range(13)] == ["250", "250", "354", "250"] * 3 + ["221"]
    assert len(intake.accepted) == 3


def test_an_empty_mail_ends_at_its_first_line() -> None:
    intake = Intake()
    with door(intake) as port, talk(port) as conversation:
        assert ready_for_data(conversation).say(b".").startswith("250")
    assert intake.accepted[0].payload == b""


@pytest.mark.parametrize(
    "trouble", [RuntimeError("db jane@client.example"), ConnectionResetError("x"), MemoryError("x"), KeyError("x")]
)
def test_trouble_of_ours_is_later_and_says_nothing_else(trouble: Exception) -> None:
    with door(Intake(trouble=trouble)) as port, talk(port) as conversation, capture_logs() as logs:
        assert ready_for_data(conversation).say(BODY + b".") == "451 4.3.0 Try again later"
        assert conversation.say("NOOP").startswith("250")
    assert [entry["event"] for entry in logs] == ["smtp_trouble"]
    assert "@" not in repr(logs)


def test_a_house_that_hangs_is_later() -> None:
    with door(Intake(hangs=True), Limits(intake_seconds=0.2)) as port, talk(port) as conversation:
        assert ready_for_data(conversation).say(BODY + b".") == "451 4.3.0 Try again later"


LIMITED: list[tuple[Limits, bytes, str]] = [
    (Limits(size=1_000), b"x" * 60 + b"\r\n", "552 5.3.4"),
    (Limits(lines=50), b"x\r\n", "552 5.3.4"),
    (Limits(unfinished=1_000), b"x" * 60 + b"\r\n", "452 4.3.1"),
]


@pytest.mark.parametrize(("limits", "line", "answer"), LIMITED)
def test_a_mail_over_a_limit_is_refused_and_the_next_is_taken(limits: Limits, line: bytes, answer: str) -> None:
    intake = Intake()
    with door(intake, limits) as port, talk(port) as conversation:
        assert ready_for_data(conversation).say(BODY + line * 100 + b"\r\n.").startswith(answer)
        assert ready_for_data(conversation).say(BODY + b".").startswith("250")
    assert len(intake.accepted) == 1


def test_a_line_of_200000_characters_is_mail() -> None:
    intake = Intake()
    with door(intake) as port:
        deliver(port, BODY + b"x" * 200_000 + b"\r\n")
    assert len(intake.accepted) == 1


def test_the_size_is_announced_and_held_before_data() -> None:
    with door(Intake(), Limits(size=1_000)) as port, smtplib.SMTP("127.0.0.1", port, local_hostname="x") as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "1000"
        assert "auth" not in client.esmtp_features
        assert client.docmd("MAIL", "FROM:<a@x> SIZE=2000")[0] == 552


def test_the_recipient_over_the_limit_is_put_off() -> None:
    with door(Intake(), Limits(recipients=2)) as port, talk(port) as conversation:
        conversation.say("MAIL FROM:<a@x>")
        answers = [conversation.say(f"RCPT TO:<support+{at}@desk.example>")[:3] for at in range(3)]
    assert answers == ["250", "250", "452"]


@pytest.mark.parametrize("limits", [Limits(connections=2), Limits(connections_per_peer=2)])
def test_the_connection_over_the_limit_is_turned_away_until_one_leaves(limits: Limits) -> None:
    with door(Intake(), limits) as port, talk(port), talk(port) as leaving:
        with talk(port, greeted=False) as third:
            assert third.hear().startswith("421")
        assert leaving.say("QUIT").startswith("221")
        assert until(lambda: greeting(port).startswith("220"))


def greeting(port: int) -> str:
    with talk(port, greeted=False) as conversation:
        return conversation.hear()


def until(fact: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not fact():
        if time.monotonic() > deadline:
            return False
    return True


def test_an_idle_connection_and_a_slow_mail_are_closed() -> None:
    with door(Intake(), Limits(idle_seconds=0.2, data_seconds=0.2)) as port:
        with talk(port) as idle:
            assert idle.hear() == ""
        with talk(port) as slow:
            ready_for_data(slow).socket.sendall(b"a\r\n")
            assert slow.hear() == ""


def test_nobody_learns_who_has_a_mailbox_by_asking() -> None:
    with door(Intake()) as port, talk(port) as conversation:
        answers = {conversation.say("VRFY support@desk.example"), conversation.say("VRFY nobody@desk.example")}
        assert len(answers) == 1
        assert conversation.say("EXPN list").startswith("502")


def test_neither_addresses_nor_words_of_strangers_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with door(Intake()) as port, caplog.at_level(logging.WARNING), talk(port) as conversation:
        conversation.say("CANARY@client.example")
        ready_for_data(conversation).say(BODY + b"canary\r\n.")
    assert "canary" not in caplog.text.lower()


def encrypted(role: int) -> ssl.SSLContext:
    """Both ends without certificates, so that no key has to lie in the repository; the door checks none anyway."""
    context = ssl.SSLContext(role)
    if role == ssl.PROTOCOL_TLS_CLIENT:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES128-SHA:@SECLEVEL=0")
    return context


def test_mail_over_starttls_arrives() -> None:
    intake, context, trusting = Intake(), encrypted(ssl.PROTOCOL_TLS_SERVER), encrypted(ssl.PROTOCOL_TLS_CLIENT)
    with door(intake, context=context) as port, smtplib.SMTP("127.0.0.1", port, local_hostname="x") as client:
        client.starttls(context=trusting)
        client.sendmail("a@x", ["support@desk.example"], BODY)
    assert len(intake.accepted) == 1


def test_what_was_said_before_the_handshake_is_dropped() -> None:
    context, trusting = encrypted(ssl.PROTOCOL_TLS_SERVER), encrypted(ssl.PROTOCOL_TLS_CLIENT)
    with door(Intake(), context=context) as port, talk(port) as conversation:
        assert conversation.say(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@x>").startswith("220")
        with closing(trusting.wrap_socket(conversation.socket)) as secure:
            secure.sendall(b"MAIL FROM:<a@x>\r\n")
            assert secure.recv(100).startswith(b"503")


def test_a_mail_taken_at_the_door_can_be_read() -> None:
    intake = Intake()
    with door(intake) as port:
        deliver(port, mail("Hello."))
    assert parse(intake.accepted[0])
