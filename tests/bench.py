"""`make bench`: measure reading mails, then a desk of real processes, with the sandbox as the other side.

Prints a figure a line. Machines are noisy: what is compared is measured in one run, and given as a ratio.
"""

import os
import re
import shutil
import smtplib
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlencode

import psutil
import psycopg
import urllib3
from twilio.request_validator import RequestValidator

import sandbox as other_side
from sandbox.client import Sandbox, wait_for
from tests import bench_mail
from tests.bench_sink import bare_sink
from tests.mail_out_bench import mail_out
from workers.local.desk import LocalDesk, Ports, RunningDesk
from workers.local.supervisor import Supervisor, free_port

IDLE_MAILS = 100
BULK_MAILS = 1000
BULK_CONNECTIONS = 8
WEB_RATE, WEB_SECONDS = 100, 10
FILES, FILE_SIZE = 20, 1 << 20
MEGABYTE = 1 << 20


class Bench:
    """A running desk and how to reach it."""

    def __init__(self, running: RunningDesk, supervisor: Supervisor) -> None:
        self.running = running
        self.supervisor = supervisor
        self.ports = running.desk.ports
        self.sandbox = Sandbox(f"http://127.0.0.1:{self.ports.sandbox}")
        self.environment = running.environment

    def scalar(self, statement: str) -> int:
        with psycopg.connect(self.environment["DATABASE_URL"].replace("+psycopg", "")) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return int(row[0]) if row else 0

    def settle(self) -> None:
        open_rows = (
            "SELECT (SELECT count(*) FROM inbound_events WHERE status IN ('pending', 'processing'))"
            " + (SELECT count(*) FROM deliveries WHERE status IN ('pending', 'sending', 'unclear'))"
        )
        wait_for(lambda: self.scalar(open_rows) == 0, "end of the backlog", 600)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (printing is what a bench is for)


def mail(subject: str, *, size: int = 1000, files: int = 0) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = f"{uuid.uuid4().hex}@bench.example", "support@desk.example", subject
    made["Message-ID"] = f"<{uuid.uuid4().hex}@bench.example>"
    made.set_content("word " * (size // 5))
    for number in range(files):
        made.add_attachment(os.urandom(FILE_SIZE), maintype="application", subtype="pdf", filename=f"file-{number}.pdf")
    return made.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def hand_in(port: int, raws: list[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as door:
        for raw in raws:
            door.sendmail("a@bench.example", ["support@desk.example"], raw)


def to_the_card(bench: Bench) -> None:
    """Measure from the client's 250 to the card in Slack, one mail at a time."""
    took: list[float] = []
    with smtplib.SMTP("127.0.0.1", bench.ports.smtp) as door:
        door.sendmail("a@bench.example", ["support@desk.example"], mail("the first one loads what is loaded late"))
        bench.settle()
        for number in range(IDLE_MAILS):
            subject = f"idle {number} {uuid.uuid4().hex}"
            door.sendmail("a@bench.example", ["support@desk.example"], mail(subject))
            acknowledged = time.time()
            card = wait_for(lambda subject=subject: _card(bench, subject), "card", 30)  # type: ignore[misc]
            took.append(float(card) - acknowledged)
            bench.settle()
    say(f"from 250 to the card in Slack, idle, {IDLE_MAILS} mails: {percentiles(took)}")


def _card(bench: Bench, subject: str) -> str:
    """Return when Slack got the card, by the sandbox's clock, which is this machine's."""
    for effect in reversed(bench.sandbox.ledger("slack", "post")[-6:]):
        if subject in str(effect["text"]) and not effect.get("thread_ts"):
            return str(effect["ts"])
    return ""


def percentiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 for share in (0.5, 0.99)]
    return f"p50 {at[0]:.0f} ms, p99 {at[1]:.0f} ms, max {ordered[-1] * 1000:.0f} ms"


def throughput(bench: Bench) -> None:
    """Compare intake, which stores durably before 250, with a sink that stores nothing."""
    raws = [mail(f"bulk {number}") for number in range(BULK_MAILS)]
    with bare_sink() as port:
        sink = _rate(port, raws)
    ours = _rate(bench.ports.smtp, raws)
    started = time.monotonic()
    bench.settle()
    rest = time.monotonic() - started
    say(f"through SMTP, {BULK_MAILS} mails, {BULK_CONNECTIONS} connections, ingested meanwhile: {ours:.0f}/s")
    say(f"a bare aiosmtpd sink that stores nothing: {sink:.0f}/s; ratio {ours / sink:.2f}")
    say(f"worked off (ticket, card and text in Slack) {rest:.1f} s after the last 250")


def _rate(port: int, raws: list[bytes]) -> float:
    started = time.monotonic()
    with ThreadPoolExecutor(BULK_CONNECTIONS) as connections:
        list(
            connections.map(
                lambda part: hand_in(port, part), [raws[at::BULK_CONNECTIONS] for at in range(BULK_CONNECTIONS)]
            )
        )
    return len(raws) / (time.monotonic() - started)


def web_answers(bench: Bench) -> None:
    """Measure the web door's answers at a fixed rate of signed webhooks."""
    signer = RequestValidator(bench.environment["TWILIO_AUTH_TOKEN"])
    pool = urllib3.PoolManager(retries=False, timeout=30, maxsize=32, block=True)
    start, took = time.monotonic() + 0.2, []

    def call(number: int) -> None:
        form = {
            "MessageSid": f"SM{uuid.uuid4().hex}",
            "From": f"+1555{number:07}",
            "To": "+15550100001",
            "Body": "hi",
            "NumMedia": "0",
        }
        path = "/webhooks/twilio/messages"
        signature = signer.compute_signature(bench.environment["PUBLIC_URL"] + path, form)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        due = start + number / WEB_RATE
        threading.Event().wait(max(0, due - time.monotonic()))
        answer = pool.request(
            "POST", f"http://127.0.0.1:{bench.ports.web}{path}", body=urlencode(form), headers=headers
        )
        assert answer.status == 200
        took.append(time.monotonic() - due)

    with ThreadPoolExecutor(32) as callers:
        list(callers.map(call, range(WEB_RATE * WEB_SECONDS)))
    say(f"web door at {WEB_RATE} webhooks/s for {WEB_SECONDS} s: {percentiles(took)}")
    bench.settle()


def large_mail(bench: Bench) -> None:
    """Send a mail with many files through, and look at what the processes hold afterwards."""
    subject = f"large {uuid.uuid4().hex}"
    raw = mail(subject, files=FILES)
    peak: dict[str, int] = {}
    watching = threading.Event()
    watcher = threading.Thread(target=lambda: _watch(bench, peak, watching), daemon=True)
    watcher.start()
    started = time.monotonic()
    hand_in(bench.ports.smtp, [raw])
    stored = time.monotonic() - started
    files = "SELECT count(*) FROM attachments WHERE storage_key IS NOT NULL AND size = 1048576"
    wait_for(lambda: bench.scalar(files) == FILES, "files in the store", 60)
    wait_for(lambda: _shared(bench) == FILES, "files in Slack", 60)
    watching.set()
    watcher.join()
    shown = time.monotonic() - started
    size = len(raw) / MEGABYTE
    say(f"a mail of {size:.1f} MiB with {FILES} files: stored in {stored:.1f} s, all in Slack after {shown:.1f} s")
    for name, held in memory(bench).items():
        most = peak.get(name, held)
        say(f"memory {name:<16} {held / MEGABYTE:4.0f} MB resident, {most / MEGABYTE:4.0f} MB at most during that mail")


def _shared(bench: Bench) -> int:
    shares = bench.sandbox.ledger("slack", "file")
    return len(shares[-1]["files"]) if shares else 0


def _watch(bench: Bench, peak: dict[str, int], done: threading.Event) -> None:
    while not done.wait(0.02):
        for name, held in memory(bench).items():
            peak[name] = max(peak.get(name, 0), held)


def memory(bench: Bench) -> dict[str, int]:
    """Return the resident bytes of each process; of pool children, the largest."""
    held: dict[str, int] = {}
    for program in bench.running.programs():
        for pid in bench.supervisor.pids(program.name):
            try:
                process = psutil.Process(pid)
                held[program.name] = process.memory_info().rss
                children = [child.memory_info().rss for child in process.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            if children and program.name in {"inbound", "outbound"}:
                held[f"{program.name} child"] = max(children)
    return held


def out_by_mail(_bench: Bench) -> None:
    """Measure mails out, kept connection against fresh ones."""
    mail_out(say)


STEPS: tuple[Callable[[Bench], None], ...] = (to_the_card, web_answers, throughput, out_by_mail, large_mail)


def reading() -> None:
    """Measure how mails are read: our own, or those in the folder that was named."""
    try:
        found = bench_mail.lines(*map(Path, sys.argv[1:2]))
    except ValueError as error:
        sys.exit(f"make bench: {error}")
    for line in found:
        say(line)


def main() -> None:
    reading()
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-bench-"))
    folder.chmod(0o755)
    names = ("web", "smtp", "flower", "sandbox", "sandbox_smtp")
    kept = {name: value for name, value in os.environ.items() if not re.match("DATABASE|REDIS|SLACK|TWILIO|SMTP", name)}
    fast = kept | {"SLACK_POSTS_PER_SECOND": "0", "TWILIO_SMS_PER_SECOND": "0"}
    desk = LocalDesk(
        folder=folder, environment=fast, ports=Ports(**{name: free_port() for name in names}), say=lambda _: None
    )
    say(f"on {os.cpu_count()} cores; one PostgreSQL, one Redis, two workers with two children each")
    example = Path(str(other_side.__file__)).with_name("desk.toml")
    try:
        with (
            (folder / "log").open("w") as log,
            desk.running(example, lambda line: _write(log, line)) as (supervisor, running),
            supervisor,
        ):
            bench = Bench(running, supervisor)
            for step in STEPS:
                step(bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(log: object, line: str) -> None:
    print(line, file=log)  # type: ignore[call-overload]


if __name__ == "__main__":
    main()
