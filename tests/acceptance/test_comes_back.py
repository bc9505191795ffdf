"""Whatever ends, killed or restarted, is back, and nothing that was taken meanwhile is lost or done twice.

The tests stand in this order so that the sends cut off by the first ones are looked up while the others run: a send is
left alone for as long as the call of a dead worker could still take.
"""

import itertools
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from redis import Redis

from sandbox.client import wait_for
from tests.acceptance.conftest import Running
from workers.local.postgres import LocalPostgres
from workers.local.redis import LocalRedis

_numbers = itertools.count(1)


@dataclass
class Traffic:
    """Clients and an agent at work, and the list of what they wrote."""

    running: Running
    first: int
    asked: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def mail(self, *, patient: bool = True) -> str:
        """Let somebody new write a mail and return its text; a patient one tries again as mail servers do."""
        body, sender = f"Mail {uuid.uuid4()}.", f"client{next(_numbers)}@client.example"

        def taken() -> bool:
            answer = self.running.sandbox.mail(sender, "support@desk.example", "Hello", body)
            assert answer["code"] in ({250, 0, 421, 451} if patient else {250}), answer
            return bool(answer["code"] == 250)

        wait_for(taken, "the mail to be taken", 30)
        self.asked.append(body)
        return body

    def text(self) -> str:
        """Let somebody new write a text and return it."""
        body = f"Text {uuid.uuid4()}."
        self.running.sandbox.text(f"+1555765{next(_numbers):04d}", "+15550100001", body)
        self.asked.append(body)
        return body

    def answer(self, ticket: int) -> str:
        """Let the agent answer a ticket and return the text."""
        body = f"Answer {uuid.uuid4()}."
        channel, ts = self.running.thread_of(ticket, 90)  # a card cut off while it is posted is looked for after 50 s
        self.running.sandbox.say("U0ADA", channel, body, thread_ts=ts)
        self.answers.append(body)
        return body

    def goes_through(self) -> None:
        """Write a mail, answer it, and see that the client gets the answer."""
        answer = self.answer(self.running.ticket_of(self.mail(), 40))
        wait_for(lambda: self.mailed()[answer], "the answer", 40)
        # What comes next may kill the worker, and between the relay's yes and its row nobody could know what became.
        sent = "SELECT 1 FROM deliveries d JOIN messages m ON m.id = d.message_id WHERE m.body = %(it)s AND d.to_client"
        wait_for(lambda: self.running.one(f"{sent} AND d.status = 'sent'", it=answer), "the answer's row", 40)

    def mailed(self) -> Counter[str]:
        """Return how often the other side got each answer."""
        texts = [str(mail["text"]) for mail in self.running.sandbox.mailbox()]
        return Counter(body for body in self.answers for text in texts if body in text)

    def recorded(self) -> Counter[str]:
        """Return how often each text is a message."""
        rows = self.running.rows("SELECT body FROM messages WHERE body = ANY(%(asked)s)", asked=self.asked)
        return Counter(str(body) for (body,) in rows)

    def is_all_in(self, seconds: float = 60) -> None:
        """Wait until everything that was written is a message."""
        wait_for(lambda: len(self.recorded()) == len(self.asked), "every message", seconds)


@pytest.fixture(scope="module")
def traffic(running: Running) -> Traffic:
    running.settle(90)  # what earlier tests left behind is not this one's traffic
    return Traffic(running, first=int(running.one("SELECT coalesce(max(id), 0) FROM deliveries")))


@contextmanager
def away(server: LocalPostgres | LocalRedis) -> Iterator[None]:
    """Take a server away as a crash does."""
    server.stop("immediate")
    try:
        yield
    finally:
        server.launch()


@pytest.mark.parametrize("name", ["inbound", "outbound"])
def test_a_worker_killed_at_work_loses_nothing(running: Running, traffic: Traffic, name: str) -> None:
    for _ in range(5):
        traffic.mail()
    running.kill(name)
    traffic.mail()
    traffic.is_all_in()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_busy_desk_survives_a_restart_of_the_database(
    running: Running, traffic: Traffic, mode: Literal["fast", "immediate"]
) -> None:
    for _ in range(5):
        traffic.mail()
    running.postgres.restart(mode)
    traffic.is_all_in()
    traffic.goes_through()


def test_what_is_taken_while_redis_is_away_is_worked_through_after_it(running: Running, traffic: Traffic) -> None:
    with away(running.redis):
        for _ in range(10):
            traffic.mail(patient=False)
            traffic.text()
        wait_for(lambda: any("wakeups_lost" in line for line in running.lines), "a wake-up that found no broker", 30)
    traffic.is_all_in()


def test_what_redis_forgets_is_found_in_the_database(running: Running, traffic: Traffic) -> None:
    with Redis.from_url(running.redis.url) as client:
        for _ in range(10):
            traffic.mail(patient=False)
            client.flushall()
    traffic.is_all_in()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_an_idle_desk_survives_a_restart_of_the_database(
    running: Running, traffic: Traffic, mode: Literal["fast", "immediate"]
) -> None:
    running.postgres.restart(mode)
    traffic.goes_through()


def test_servers_that_die_are_started_again(running: Running, traffic: Traffic) -> None:
    running.postgres.kill()
    running.redis.kill()
    traffic.goes_through()


@pytest.mark.parametrize("name", ["web", "smtp", "inbound", "outbound", "beat", "flower"])
def test_a_killed_process_is_back_and_a_message_goes_through(running: Running, traffic: Traffic, name: str) -> None:
    before = running.pid(name)
    running.kill(name)
    wait_for(lambda: before not in running.supervisor.pids(name), f"the end of {name}", 10)
    running.supervisor.wait_until_ready(name)
    traffic.goes_through()
    assert running.pid(name) != before


def test_nothing_was_lost_or_done_twice_and_nothing_is_left_open(running: Running, traffic: Traffic) -> None:
    running.settle(90)
    assert traffic.recorded() == Counter(traffic.asked)
    assert traffic.mailed() == Counter(traffic.answers)
    unhappy = "SELECT count(*) FROM deliveries WHERE id > %(first)s AND status IN ('failed', 'unconfirmed')"
    assert running.one(unhappy, first=traffic.first) == 0


def test_in_all_this_trouble_nobody_and_no_secret_was_named(running: Running, traffic: Traffic) -> None:
    secrets = [*running.secrets.values(), running.postgres.password, running.redis.password]
    printed = "\n".join(line for line in running.lines if not line.startswith("sandbox"))
    words = ["client.example", "1555765", *secrets, *traffic.asked, *traffic.answers]
    assert [word for word in words if word in printed] == []
