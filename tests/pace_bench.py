"""Measure from a client's text to its post in Slack, while one of five busy channels answers 429 for half a minute.

Real processes at their usual pace, the sandbox as the other side; part of `make bench`.
"""

import os
import random
import re
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import urllib3
from twilio.request_validator import RequestValidator

from sandbox.client import Sandbox, wait_for
from sandbox.faults import Fault
from tests.bench import Bench, percentiles, say
from workers.local.desk import LocalDesk, Ports
from workers.local.supervisor import free_port

CHANNELS = ("C0BUSY1", "C0BUSY2", "C0BUSY3", "C0BUSY4", "C0BUSY5")
REFUSED = CHANNELS[0]
# Texts a second in each channel, at random; a channel takes one post a second.
RATE = 0.7
SECONDS, REFUSED_AFTER, REFUSED_FOR = 60.0, 10.0, 30.0
_MAIN = "/webhooks/twilio/messages"


class Clients:
    """Five clients, each with a ticket in a channel of its own; `said` is what they wrote, and when."""

    def __init__(self, bench: Bench) -> None:
        self.said: dict[str, float] = {}
        self._bench = bench
        self._signer = RequestValidator(bench.environment["TWILIO_AUTH_TOKEN"])
        self._http = urllib3.PoolManager(retries=False, timeout=30, maxsize=len(CHANNELS))

    def text(self, number: int) -> str:
        """Write to a department, and return what was written."""
        body = f"{CHANNELS[number]} {uuid.uuid4().hex}"
        form = {"MessageSid": f"SM{uuid.uuid4().hex}", "From": f"+1555030000{number}", "Body": body, "NumMedia": "0"}
        form["To"] = f"+1555020000{number}"
        signature = self._signer.compute_signature(self._bench.environment["PUBLIC_URL"] + _MAIN, form)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        self.said[body] = time.time()
        url = f"http://127.0.0.1:{self._bench.ports.web}{_MAIN}"
        assert self._http.request("POST", url, body=urlencode(form), headers=headers).status == 200
        return body

    def write_on(self, number: int) -> None:
        """Write at random moments until time is up; what is due is not moved by what is slow."""
        moments = random.Random(number)
        start, due = time.monotonic(), moments.expovariate(RATE)
        while due < SECONDS:
            threading.Event().wait(max(0, start + due - time.monotonic()))
            self.text(number)
            due += moments.expovariate(RATE)


def measure(bench: Bench) -> None:
    """Let everybody write, once with all well and once with one channel refused for a while."""
    clients = Clients(bench)
    for number, channel in enumerate(CHANNELS):
        bench.sandbox.add_channel(channel, channel.lower(), ["U0ADA"])
        body = clients.text(number)
        wait_for(lambda body=body: _posted(bench.sandbox).get(body), "the first post", 30)  # type: ignore[misc]
    bench.settle()
    say(f"{len(CHANNELS)} channels at {RATE} texts a second each for {SECONDS:.0f} s, all well")
    _round(bench, clients)
    say(f"the same, the first of them at 429 for {REFUSED_FOR:.0f} s")
    _round(
        bench,
        clients,
        Fault(service="slack", method="chat.postMessage", kind="429", place=REFUSED, lasting=REFUSED_FOR),
    )


def _round(bench: Bench, clients: Clients, *faults: Fault) -> None:
    clients.said.clear()
    before = _calls(bench.sandbox)
    with ThreadPoolExecutor(len(CHANNELS)) as writing:
        done = [writing.submit(clients.write_on, number) for number in range(len(CHANNELS))]
        threading.Event().wait(REFUSED_AFTER)
        for fault in faults:
            bench.sandbox.fault(fault)
        for each in done:
            each.result()
    bench.settle()
    _report(clients.said, bench.sandbox, _calls(bench.sandbox) - before)


def _posted(sandbox: Sandbox) -> dict[str, float]:
    return {str(each["text"]): float(each["ts"]) for each in sandbox.ledger("slack", "post")}


def _calls(sandbox: Sandbox) -> int:
    return int(sandbox.calls()["calls"]["slack"]["chat.postMessage"])


def _report(said: dict[str, float], sandbox: Sandbox, calls: int) -> None:
    posted = _posted(sandbox)
    took = {body: posted[body] - at for body, at in said.items()}
    order = [[body for body in each if body.startswith(REFUSED)] for each in (said, posted)]
    others = [seconds for body, seconds in took.items() if not body.startswith(REFUSED)]
    refused = [seconds for body, seconds in took.items() if body.startswith(REFUSED)]
    say(f"  from a text to its post, four channels, {len(others)} texts: {percentiles(others)}")
    say(f"  the first channel, {len(refused)} texts: {percentiles(refused)}; {_in_order(*order)}")
    say(f"  {calls} calls for {len(took)} posts")


def _in_order(said: Sequence[str], posted: Sequence[str]) -> str:
    return "all once and in order" if list(said) == list(posted)[-len(said) :] else "OUT OF ORDER"


def desk_file(folder: Path) -> Path:
    """Write a department for each channel."""
    departments = "\n".join(
        f'[[departments]]\nname = "{channel}"\nsms = ["+1555020000{number}"]\nslack_agents = ["T0DESK/{channel}"]\n'
        for number, channel in enumerate(CHANNELS)
    )
    file = folder / "desk.toml"
    file.write_text(departments)
    return file


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-pace-"))
    folder.chmod(0o755)
    ports = Ports(**{name: free_port() for name in ("web", "smtp", "flower", "sandbox", "sandbox_smtp")})
    kept = {name: value for name, value in os.environ.items() if not re.match("DATABASE|REDIS|SLACK|TWILIO|SMTP", name)}
    desk = LocalDesk(folder=folder, environment=kept, ports=ports, say=lambda _: None)
    try:
        with desk.running(desk_file(folder), lambda _: None) as (supervisor, running), supervisor:
            measure(Bench(running, supervisor))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
