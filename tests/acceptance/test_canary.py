"""What people write and who they are stands in the database, and in nothing else that operators see or a disk keeps."""

import base64
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import urllib3

from sandbox.client import file, wait_for
from sandbox.slack.world import Person
from tests.acceptance.conftest import Running

# Words that stand nowhere by themselves. `broken` is in a mail that the database refuses to take, at first.
NAME = "Vexillaria Zumpf"
MAILBOX = "quibblewick"
PHONE = "15557391846"
WHATSAPP = "15557391847"
SUBJECT = "hartebeestfrage"
BODY = "okapibericht"
TEXT = "nyalanachricht"
CHAT = "gerenukgruss"
FILE = "kudurechnung"
REPLY = "bongoantwort"
NOTE = "dikdiknotiz"
SLACK_NAME = "Elandine"
BROKEN = "topitrouble"
MALFORMED = "saigaschrott"
CANARIES = [
    *(*NAME.split(), MAILBOX, PHONE[2:], WHATSAPP[2:], SUBJECT, BODY, TEXT, CHAT),
    *(FILE, REPLY, NOTE, SLACK_NAME, BROKEN, MALFORMED),
]
ADDRESS = f"{MAILBOX}@client.example"
REFUSING = f"{MAILBOX}.gone@client.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What lay open: Redis while wake-ups waited there, inbound and outbound, and everything after the day's work."""

    waiting_in: bytes
    waiting_out: bytes
    after: bytes
    pages: bytes


@pytest.fixture(scope="module")
def seen(running: Running) -> Seen:
    """Let people write on every channel, agents answer, and things go wrong."""
    running.sandbox.add_user(Person(id="U0ELAND", name=SLACK_NAME, guest=True))
    running.sandbox.add_channel("C0CLIENTS", "clients", ["U0CLEO", "U0ELAND"])
    with frozen(running, "inbound"):
        people_write(running)
        wait_for(lambda: waiting(running, "inbound.") >= 3, "wake-ups in Redis", 20)
        waiting_in = dump(running)
    tickets = [running.ticket_of(word) for word in (BODY, TEXT, CHAT, "Refused later")]
    running.settle()
    with frozen(running, "outbound"):
        for ticket in tickets:
            agent_answers(running, ticket)
        wait_for(lambda: waiting(running, "outbound.") >= 2, "sends in Redis", 20)
        waiting_out = dump(running)
    gone = "SELECT 1 FROM deliveries WHERE status = 'failed' AND recipient = %(to)s"
    wait_for(lambda: running.one(gone, to=REFUSING), "a failed delivery", 30)
    the_database_refuses(running)
    running.settle()
    return Seen(waiting_in=waiting_in, waiting_out=waiting_out, after=dump(running), pages=flower_pages(running))


def people_write(running: Running) -> None:
    client, phone = f"{NAME} <{ADDRESS}>", running.sandbox.text
    files = [file(f"{FILE}.pdf", BODY.encode(), "application/pdf")]
    assert running.sandbox.mail(client, "support@desk.example", SUBJECT, BODY, attachments=files)["code"] == 250
    running.sandbox.mail(f"{NAME} <{REFUSING}>", "support@desk.example", SUBJECT, f"Refused later, {BODY}")
    running.sandbox.mail(f"{NAME} <{ADDRESS}>", f"{MALFORMED}@desk.example", SUBJECT, BODY)
    malformed = f"From: {ADDRESS}, {MALFORMED}@client.example\r\nSubject: {SUBJECT}\r\n\r\n{BODY}\r\n"
    running.sandbox.raw_mail(ADDRESS, "support@desk.example", malformed.encode())
    phone(f"+{PHONE}", "+15550100001", TEXT)
    phone(
        f"whatsapp:+{WHATSAPP}", "whatsapp:+15550100002", f"{TEXT} whatsapp", media=[file("a.jpg", b"x", "image/jpeg")]
    )
    running.sandbox.say("U0ELAND", "C0CLIENTS", CHAT)
    running.sandbox.refuse(REFUSING, 550, f"5.1.1 <{REFUSING}>: {MAILBOX} is unknown to us, {NAME}")


def agent_answers(running: Running, ticket: int) -> None:
    channel, ts = running.thread_of(ticket)
    running.sandbox.say("U0ADA", channel, f"{REPLY} {ticket}", thread_ts=ts)
    running.sandbox.say("U0ADA", channel, f"note: {NOTE} {ticket}", thread_ts=ts)
    wait_for(lambda: running.one("SELECT 1 FROM notes WHERE ticket_id = %(id)s", id=ticket), "the note", 20)


def the_database_refuses(running: Running) -> None:
    """Make PostgreSQL refuse a row in words that quote the row, as it does, and then take it."""
    mark = len(running.lines)
    with running.connect() as connection:
        connection.execute(f"ALTER TABLE messages ADD CONSTRAINT picky CHECK (body !~ '{BROKEN}')".encode())
        running.sandbox.mail(f"{NAME} <{ADDRESS}>", "support@desk.example", SUBJECT, BROKEN)
        wait_for(lambda: any("IntegrityError" in line for line in running.lines[mark:]), "the trouble in the log", 20)
        connection.execute(b"ALTER TABLE messages DROP CONSTRAINT picky")
    running.ticket_of(BROKEN)


@contextmanager
def frozen(running: Running, name: str) -> Iterator[None]:
    """Hold a worker still, so that its wake-ups stay in Redis."""
    running.kill(name, signal.SIGSTOP)
    try:
        yield
    finally:
        running.kill(name, signal.SIGCONT)


def waiting(running: Running, prefix: str) -> int:
    with redis.Redis.from_url(running.redis.url) as client:
        return sum(client.llen(key) for key in client.scan_iter(f"{prefix}*") if client.type(key) == b"list")


def dump(running: Running) -> bytes:
    """Return every key and value of Redis."""
    with redis.Redis.from_url(running.redis.url) as client:
        keys: list[bytes] = list(client.scan_iter())
        return b"\n".join(piece for key in keys for piece in (key, *values(client, key)))


def values(client: redis.Redis, key: bytes) -> list[bytes]:
    read: dict[bytes | str, Callable[[], Any]] = {
        b"string": lambda: [client.get(key) or b""],
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"hash": lambda: [piece for pair in client.hgetall(key).items() for piece in pair],
        b"none": list,
    }
    return list(read[client.type(key)]())


def flower_pages(running: Running) -> bytes:
    login = urllib3.make_headers(basic_auth=f"frontdesk:{running.secrets['FLOWER_PASSWORD']}")
    paths = ["api/tasks", "api/workers?refresh=1", "tasks", "workers", "broker", "metrics", *task_pages(running, login)]
    with urllib3.PoolManager(retries=False, timeout=20) as http:
        got = [http.request("GET", f"http://127.0.0.1:{running.ports.flower}/{path}", headers=login) for path in paths]
    assert {each.status for each in got} == {200}
    return b"\n".join(each.data for each in got)


def task_pages(running: Running, login: dict[str, str]) -> list[str]:
    url = f"http://127.0.0.1:{running.ports.flower}/api/tasks"
    tasks = urllib3.request("GET", url, headers=login).json()
    assert tasks, "Flower knows no task, so there was nothing to look at"
    return [f"task/{uuid}" for uuid in tasks]


def hits(text: bytes, words: list[str]) -> list[str]:
    """Return which words stand in a text, also inside base64, in which Celery wraps what it sends."""
    plain = [text, *(decoded(each) for each in re.findall(rb"[A-Za-z0-9+/]{16,}={0,2}", text))]
    whole = b"\n".join(plain).lower()
    return [word for word in words if word.lower().encode() in whole]


def decoded(digits: bytes) -> bytes:
    return base64.b64decode(digits.rstrip(b"=")[: len(digits.rstrip(b"=")) // 4 * 4])


def printed(running: Running) -> bytes:
    """Return what our processes printed; the sandbox is the other side, and tells what clients would see."""
    return "\n".join(line for line in running.lines if not line.startswith("sandbox")).encode()


def kept_files(running: Running) -> list[Path]:
    """Return every file but the database's own, the attachments, and the other side's ledger."""
    apart = (running.folder / "postgres" / "cluster", running.folder / "attachments", running.folder / "sandbox.jsonl")
    files = [path for path in running.folder.rglob("*") if path.is_file()]
    return [path for path in files if not any(path.is_relative_to(each) for each in apart)]


def test_the_search_finds_words_inside_base64() -> None:
    assert hits(base64.b64encode(b'[[1], {"x": "An Okapibericht"}]'), [BODY, TEXT]) == [BODY]


@pytest.mark.usefixtures("seen")
def test_everything_happened_of_which_something_could_show(running: Running) -> None:
    assert running.one("SELECT count(*) FROM tickets WHERE title = %(title)s", title=SUBJECT) == 3
    failed = "SELECT count(*) FROM inbound_events WHERE status = 'failed' AND position(%(word)s in payload) > 0"
    assert running.one(failed, word=MALFORMED.encode()) == 1
    assert running.one("SELECT count(*) FROM attachments WHERE name = %(name)s", name=f"{FILE}.pdf") == 1
    assert running.one("SELECT count(*) FROM notes WHERE body ~ %(word)s", word=NOTE) == 4
    reason = running.one(
        "SELECT error_text FROM deliveries WHERE status = 'failed' AND recipient = %(to)s", to=REFUSING
    )
    assert MAILBOX in reason


def test_redis_holds_no_word_while_wakeups_wait(seen: Seen) -> None:
    assert b"inbound.email" in seen.waiting_in
    assert hits(seen.waiting_in, ["inbound.ingest", *CANARIES]) == ["inbound.ingest"]
    assert hits(seen.waiting_out, ["outbound.deliver", *CANARIES]) == ["outbound.deliver"]


def test_redis_holds_no_word_afterwards(seen: Seen) -> None:
    assert hits(seen.after, CANARIES) == []


def test_flower_shows_no_word(seen: Seen) -> None:
    assert hits(seen.pages, ["inbound.ingest", *CANARIES]) == ["inbound.ingest"]


@pytest.mark.usefixtures("seen")
def test_no_process_prints_a_word(running: Running) -> None:
    assert hits(printed(running), ["event_ingested", *CANARIES]) == ["event_ingested"]


@pytest.mark.usefixtures("seen")
def test_no_process_prints_a_secret(running: Running) -> None:
    passwords = [server.password for server in running.servers.values()]
    assert len(running.secrets) > 4
    assert hits("\n".join(running.lines).encode(), [*running.secrets.values(), *passwords]) == []


@pytest.mark.usefixtures("seen")
def test_no_file_keeps_a_word(running: Running) -> None:
    files = kept_files(running)
    assert {"postgres.log", "redis.log", "secrets.env"} <= {path.name for path in files}
    assert {str(path): found for path in files if (found := hits(path.read_bytes(), CANARIES))} == {}
