"""Texts of which Twilio did not say whether it took them. At length 200 of them, ten times slower.

Twilio's clock runs fast here: five minutes of looks and thirty seconds by which its list is behind become some seconds.
"""

import random
from collections import Counter
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from channels.twilio.channel import LOOK_AFTER
from models.deliveries import OPEN
from sandbox.client import wait_for
from sandbox.faults import Fault
from sandbox.twilio.account import Habits
from tests.at_length import times
from tests.desk import Desk

SENDS = times(200, 10)
SCALE = 0.1 if SENDS > 10 else 0.005
PAIRS = SENDS // 10
LIST_BEHIND = 30.0
TAKEN = ("reset_after", "5xx_after", "malformed_after")
LOST = ("reset_before", "5xx_before")
UNDECIDED = "It is not known whether"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "TWILIO_LOOK_AFTER_SECONDS": ",".join(str(each * SCALE) for each in LOOK_AFTER)}


class Callbacks:
    """Twilio's reports as they come, those left out that were lost on the way."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._heard = len(desk.sandbox.webhooks())

    def hear(self) -> None:
        for call in self._desk.sandbox.webhooks("twilio/status", self._heard):
            self._heard = max(self._heard, int(call["id"]))
            if not call.get("lost"):
                fields = {name: values[0] for name, values in parse_qs(call["body"]).items()}
                key = str(call["url"]).rpartition("/")[2]
                self._desk.report_as(key, fields["MessageSid"], fields["MessageStatus"])


@pytest.fixture
def slow_twilio(desk: Desk) -> Iterator[Desk]:
    """A desk whose every text gets no answer: half of them were taken, and half of the callbacks are lost."""
    desk.sandbox.habits(Habits(list_behind=LIST_BEHIND * SCALE, delay=5 * SCALE))
    kinds = [TAKEN[number % 3] for number in range(SENDS // 2)] + [LOST[number % 2] for number in range(SENDS // 2)]
    random.Random(7).shuffle(kinds)
    for kind in kinds:
        desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind=kind))
    desk.sandbox.fault(Fault(service="webhooks", method="twilio/status", kind="lost", chance=0.5, times=10_000))
    yield desk
    desk.sandbox.habits(Habits())


def answer_everybody(desk: Desk) -> None:
    """Let SENDS answers wait to be sent, PAIRS of them twice the same words to one number."""
    for number in range(SENDS - PAIRS):
        desk.text("Are you there?", sender=f"+{int(desk.phone[1:]) + number}")
    desk.work()
    for number, ticket in enumerate(desk.tickets()):
        for _ in range(2 if number < PAIRS else 1):
            desk.say("ok", thread=desk.thread(ticket.id))
    desk.ingest()


def settled(desk: Desk, callbacks: Callbacks) -> bool:
    callbacks.hear()
    desk.work()
    return not any(each.status in OPEN for each in desk.deliveries())


@pytest.mark.timeout(60 + SENDS * 2)
def test_of_texts_without_an_answer_none_is_doubled_and_none_is_lost_silently(slow_twilio: Desk) -> None:
    desk, callbacks = slow_twilio, Callbacks(slow_twilio)
    answer_everybody(desk)
    wait_for(lambda: settled(desk, callbacks), "end of all sends", 60 + SENDS)
    texts = {str(each["parameters"]["StatusCallback"]): each["sid"] for each in desk.effects("twilio", "message")}  # type: ignore[index]
    sends = {str(each.idempotency_key): each for each in desk.deliveries()}
    taken = {key: [sid for url, sid in texts.items() if key in url] for key in sends}
    states = Counter((len(taken[key]), each.status) for key, each in sends.items())
    print(f"\n{SENDS} unclear sends, {PAIRS} pairs; (texts at Twilio, state here): {dict(states)}")  # noqa: T201 (what a long run is for)
    assert len(sends) == SENDS
    assert len(desk.effects("twilio", "message")) == SENDS // 2
    assert {key: [each.external_id] for key, each in sends.items() if each.external_id} == {
        key: sids for key, sids in taken.items() if sids
    }
    assert {each.status for key, each in sends.items() if not taken[key]} == {"unconfirmed"}
    assert {each.status for key, each in sends.items() if taken[key]} <= {"sent", "delivered"}
    assert notices(desk) == Counter(each.ticket_id for each in sends.values() if each.status == "unconfirmed")
    told = [each for each in desk.effects("slack", "post") if UNDECIDED in str(each["text"])]
    assert len(told) == sum(notices(desk).values())


def notices(desk: Desk) -> Counter[int]:
    """Return how often the agents were asked, by ticket."""
    asked = desk.scalars(
        "SELECT ticket_id FROM messages WHERE is_system_message AND body LIKE '%is not known whether%'"
    )
    return Counter(int(str(each)) for each in asked)


def test_the_last_look_is_five_minutes_after_the_call() -> None:
    looks = [sum(LOOK_AFTER[: number + 1]) for number in range(len(LOOK_AFTER))]
    assert looks == [2, 5, 15, 60, 300]
