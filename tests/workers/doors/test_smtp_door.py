"""The SMTP door over the real database: 250 means a row, and trouble of ours is never a bounce."""

import smtplib
import ssl
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.client import wait_for
from tests.channels.email.smtp_talk import talk
from tests.workers.doors.open_doors import EVENTS, Doors, genuine, stopped
from workers.local.processes import free_port

LATER = "451 4.3.0 Try again later"
SUPPORT = "support@desk.example"


def mail() -> str:
    return f"From: jane@client.example\r\nMessage-ID: <{uuid.uuid4()}@client.example>\r\n\r\nHello {uuid.uuid4()}.\r\n"


def handed_in(doors: Doors, body: str, to: str = SUPPORT) -> list[str]:
    """Hand a mail in and return every answer, up to the one that decides."""
    with talk(doors.smtp) as conversation:
        answers = [conversation.say("MAIL FROM:<jane@client.example>"), conversation.say(f"RCPT TO:<{to}>")]
        if answers[-1].startswith("250"):
            answers += [conversation.say("DATA"), conversation.say(f"{body}.")]
        return answers


def stored(doors: Doors, *bodies: str) -> int:
    statement = "SELECT count(*) FROM inbound_events WHERE channel = 'email' AND payload = ANY(%(bodies)s)"
    return int(doors.rows(statement, bodies=[body.encode() for body in bodies])[0][0])


@pytest.mark.parametrize(
    "to",
    [SUPPORT, "Support@Desk.Example", "billing@desk.example", "support+t1.abc@desk.example", "support+é@desk.example"],
)
def test_a_mail_for_a_mailbox_of_ours_is_stored_when_it_is_acknowledged(doors: Doors, to: str) -> None:
    body = mail()
    assert handed_in(doors, body, to)[-1].startswith("250")
    assert stored(doors, body) == 1


@pytest.mark.parametrize(
    "to",
    ["nobody@desk.example", "jane@client.example", "support@desk.example.evil", "+@desk.example", "x' OR 1=1 --@a"],
)
def test_a_mail_for_nobody_of_ours_is_refused_in_the_session(doors: Doors, to: str) -> None:
    body = mail()
    assert handed_in(doors, body, to)[-1] == "550 5.1.1 Unknown recipient"
    assert stored(doors, body) == 0


def test_the_same_mail_again_is_acknowledged_and_adds_nothing(doors: Doors) -> None:
    body = mail()
    assert all(handed_in(doors, body)[-1].startswith("250") for _ in range(3))
    assert stored(doors, body) == 1


def test_without_the_database_mails_are_put_off_in_one_fixed_line_and_taken_after_it(doors: Doors) -> None:
    bodies = [mail() for _ in range(100)]
    with stopped(doors), ThreadPoolExecutor(4) as senders:
        answers = list(senders.map(lambda body: handed_in(doors, body), bodies))
    assert {tuple(each) for each in answers} == {("250 OK", LATER)}
    with ThreadPoolExecutor(4) as senders:
        assert {each[-1][:3] for each in senders.map(lambda body: handed_in(doors, body), bodies)} == {"250"}
    assert stored(doors, *bodies) == 100


def test_a_database_that_goes_between_recipient_and_mail_puts_the_mail_off(doors: Doors) -> None:
    body = mail()
    with talk(doors.smtp) as conversation:
        conversation.say("MAIL FROM:<jane@client.example>")
        conversation.say(f"RCPT TO:<{SUPPORT}>")
        conversation.say("DATA")
        with stopped(doors):
            assert conversation.say(f"{body}.") == LATER
        assert conversation.say("NOOP").startswith("250")
    assert handed_in(doors, body)[-1].startswith("250")
    assert stored(doors, body) == 1


def test_mail_is_taken_over_an_encrypted_connection(doors: Doors) -> None:
    if not doors.certificate:
        pytest.skip("there is no openssl here to make a certificate with")
    body = mail()
    with smtplib.SMTP("127.0.0.1", doors.smtp, local_hostname="client.example", timeout=10) as client:
        client.starttls(context=ssl.create_default_context(cafile=doors.certificate))
        client.sendmail("jane@client.example", [SUPPORT], body)
    assert stored(doors, body) == 1


def test_a_certificate_that_cannot_be_used_stops_the_start(doors: Doors) -> None:
    for path in ("/nowhere.pem", __file__):
        command = [sys.executable, "-m", "workers", "smtp", "--port", str(free_port())]
        environment = {**doors.environment, "SMTP_TLS_CERT": path}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.startswith("frontdesk: SMTP_TLS_CERT or SMTP_TLS_KEY cannot be used")


def test_trouble_is_printed_without_a_traceback_and_without_who_wrote(doors: Doors) -> None:
    with stopped(doors):
        handed_in(doors, mail())
        doors.post(genuine(EVENTS))
    wait_for(lambda: {"smtp_trouble", "webhook_not_stored"} <= set(" ".join(doors.lines).split()), "both lines")
    printed = "\n".join(doors.lines)
    assert [word for word in ("client.example", "Traceback", "5432", "SELECT", "INSERT") if word in printed] == []
