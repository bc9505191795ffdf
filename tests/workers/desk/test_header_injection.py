import base64
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from channels.base import ExternalId, InboundMessage, OutboundMessage
from channels.email import connect
from channels.email.event import raw_event
from channels.errors import Malformed, Undeliverable
from models.tickets import TicketStatus, list_tickets, lock_ticket
from sandbox.client import Sandbox
from tests.channels.email.mail_samples import TOKEN, message
from tests.channels.email.smtp_talk import Intake, door
from tests.desk import Desk
from workers.cli.apply import Applier, read_desk
from workers.desk.arrivals import title_of
from workers.runtime import build
from workers.settings import from_environment

HEADERS = ["From", "To", "Subject", "Message-ID", "Date", "X-Frontdesk", "Reply-To", "In-Reply-To", "References"]
HEADERS += ["MIME-Version", "Content-Type"]

DESK = """
[[departments]]
name = "Support"
email = "support@desk.example"

[[users]]
name = "Ada"
email = "ada@desk.example"
departments = ["Support"]
"""

NEWLINES = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028"]
FORMS: list[Callable[[str], str]] = [
    lambda text: text,
    lambda text: "=?utf-8?b?" + base64.b64encode(text.encode()).decode() + "?=",
    lambda text: "=?utf-8?q?" + "".join(f"={byte:02X}" for byte in text.encode()) + "?=",
    lambda text: "=?latin-1?q?" + text.replace("\r", "=0D").replace("\n", "=0A").replace(" ", "_") + "?=",
]
WORDS = [
    "Bcc: evil@evil.example",
    "To: evil@evil.example",
    "Re:",
    "hello",
    '"',
    "\\",
    "<evil@evil.example>",
    ",",
    "(",
    "é",
    ".",
]


def hostile(chance: random.Random) -> str:
    """Return words with line ends between them, as they are or encoded."""
    text = "".join(chance.choice(WORDS) + chance.choice([*NEWLINES, " "]) for _ in range(chance.randint(1, 5)))
    return chance.choice(FORMS)(text + chance.choice(WORDS))


def mail(number: int, subject: str, name: str, address: str) -> bytes:
    head = f"Message-ID: <hostile-{number}@client.example>\r\nTo: support@desk.example\r\n"
    return f"{head}From: {name} <{address}>\r\nSubject: {subject}\r\n\r\nIt burns.\r\n".encode("utf-8", "replace")


def mails(count: int) -> Iterator[bytes]:
    chance = random.Random(count)
    for number in range(count):
        where = ("subject", "name", "address")[number % 3]
        at = f"client-{number}@client.example"
        given = {"subject": "Printer on fire", "name": "Cleo", "address": at}
        bad = hostile(chance)
        yield mail(number, **{**given, where: f'"{bad}"@client.example' if where == "address" else bad})


class Everybody(Intake):
    """A mail server that reads envelopes as they are written, and takes every mail."""

    async def knows(self, _address: str) -> bool:
        return True


@pytest.fixture
def server() -> Everybody:
    return Everybody()


@pytest.fixture
def relay(server: Everybody) -> Iterator[str]:
    with door(server) as port:
        yield f"smtp://127.0.0.1:{port}"


def as_meant(server: Everybody) -> bool:
    """Say whether every mail that came has exactly the headers meant, and its one recipient in the envelope."""
    for each in server.accepted:
        found = message_from_bytes(each.payload)
        assert found.keys() == HEADERS
        assert each.facts["rcpt_tos"] == [str(found["To"])[1:-1]]
    return True


def test_answers_to_500_hostile_mails_have_the_headers_meant_and_one_recipient(server: Everybody, relay: str) -> None:
    (channel,) = connect({"SMTP_RELAY_URL": relay, "SMTP_HOSTNAME": "desk.example"}).channels
    outcomes: Counter[str] = Counter()
    for raw in mails(500):
        try:
            channel.send(answer_to(message(raw)))
        except (Malformed, Undeliverable) as error:
            outcomes[getattr(error, "code", "malformed")] += 1
        else:
            outcomes["sent"] += 1
    assert outcomes["sent"] == len(server.accepted) > 300
    assert set(outcomes) == {"sent", "malformed", "5.6.7", "5.1.3"}
    assert as_meant(server)


def answer_to(said: InboundMessage) -> OutboundMessage:
    return OutboundMessage(
        idempotency_key=str(uuid.uuid4()),
        to=said.sender,
        sender=ExternalId(type="email", value="support@desk.example"),
        sender_name=said.sender_name,  # nobody answers in a client's name, but none is worse
        subject=f"Re: {title_of(said)} [#1]",
        body=said.body,
        references=(said.external_id.value,) if said.external_id else (),
        thread=TOKEN,
    )


@pytest.fixture
def answering(environment: dict[str, str], sandbox: Sandbox, tmp_path: Path, relay: str) -> Iterator[Desk]:
    """Give a desk without Slack, where somebody answers at the command line."""
    file = tmp_path / "desk.toml"
    file.write_text(DESK)
    made = Desk(build(from_environment({**environment, "SMTP_RELAY_URL": relay}), lambda _: None), sandbox)
    with made.session() as session:
        list(Applier(session=session, channels=made.tools.channels).apply(read_desk(file)))
    yield made
    made.tools.database.engine.dispose()


def accept(desk: Desk, raw: bytes) -> None:
    ours = ["support@desk.example"]
    desk.accept(raw_event(raw, mail_from="a@client.example", rcpt_tos=ours, peer="192.0.2.7", mailboxes=ours))


def answer_all(desk: Desk) -> None:
    (ada,) = desk.scalars("SELECT id FROM users")
    with desk.session() as session:
        for ticket, _, _ in list_tickets(session, tuple(TicketStatus), 1000):
            locked = lock_ticket(session, ticket.id)
            assert locked is not None
            desk.tools.recorder.replies.write(session, locked, user_id=int(str(ada)), name="Ada", text="Pull the plug.")


def test_no_hostile_subject_or_name_keeps_an_answer_from_being_sent(answering: Desk, server: Everybody) -> None:
    for raw in mails(60):
        accept(answering, raw)
    answering.work()
    answer_all(answering)
    answering.work()
    named = [each for each in answering.deliveries() if each.recipient.startswith("client-")]
    assert len(named) > 30
    assert {each.status for each in named} == {"sent"}
    assert {each.status for each in answering.deliveries()} <= {"sent", "failed"}
    assert as_meant(server)
