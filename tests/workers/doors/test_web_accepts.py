"""Genuine calls: stored before the answer, once however often they come, and never lost to trouble of ours."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from psycopg import sql

from tests.workers.doors.open_doors import (
    COMMANDS,
    EVENTS,
    MESSAGES,
    SLACK,
    STATUS,
    TWILIO,
    Call,
    Doors,
    genuine,
    slack_call,
    stopped,
    twilio_call,
    twilio_form,
)

# Slack gives up after 3 s.
PATIENCE = 2.6


@contextmanager
def stalled(doors: Doors) -> Iterator[None]:
    """Let every insert of an event wait."""
    with doors.connect() as connection, connection.transaction():
        connection.execute(sql.SQL("LOCK TABLE inbound_events IN EXCLUSIVE MODE"))
        yield


def timed(doors: Doors, call: Call) -> tuple[int, float]:
    began = time.monotonic()
    return doors.post(call).status_code, time.monotonic() - began


@pytest.mark.parametrize("path", [*SLACK, *TWILIO])
def test_the_row_is_there_when_the_answer_arrives(doors: Doors, path: str) -> None:
    with doors.connect() as connection:
        for _ in range(20):
            call = genuine(path)
            assert doors.post(call).status_code == 200
            found = connection.execute("SELECT payload FROM inbound_events ORDER BY id DESC LIMIT 1").fetchone()
            assert found == (call.body,)


@pytest.mark.parametrize("path", [*SLACK, *TWILIO])
def test_the_same_call_again_is_accepted_and_adds_nothing(doors: Doors, path: str) -> None:
    call = genuine(path)
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(doors.post, [call] * 8))
    assert {answer.status_code for answer in answers} == {200}
    assert doors.stored(call) == 1


def test_one_event_under_another_body_is_still_one(doors: Doors) -> None:
    first = genuine(EVENTS)
    again = slack_call(EVENTS, first.body.replace(b'"Hello"', b'"Hello "'))
    assert [doors.post(call).status_code for call in (first, again)] == [200, 200]
    assert (doors.stored(first), doors.stored(again)) == (1, 0)


def test_answers_are_what_each_provider_wants_to_read(doors: Doors) -> None:
    message = doors.post(genuine(MESSAGES))
    assert (message.text, message.headers["content-type"]) == ("<Response/>", "text/xml; charset=utf-8")
    challenge = b'{"type": "url_verification", "challenge": "c0ffee", "token": "x"}'
    assert doors.post(slack_call(EVENTS, challenge)).text == "c0ffee"
    assert doors.post(genuine(COMMANDS)).text == ""


def test_fields_in_another_order_and_repeated_ones_are_genuine(doors: Doors) -> None:
    form = [*twilio_form(MESSAGES), ("Tag", "b"), ("Tag", "a")]
    turned = twilio_call(MESSAGES, form[::-1])
    assert turned.header("x-twilio-signature") == twilio_call(MESSAGES, form).header("x-twilio-signature")
    assert doors.post(turned).status_code == 200
    assert doors.stored(turned) == 1


def test_a_check_of_slacks_certificate_is_answered_and_not_stored(doors: Doors) -> None:
    call = slack_call(COMMANDS, b"ssl_check=1&token=x")
    assert doors.post(call).status_code == 200
    assert doors.stored(call) == 0


@pytest.mark.parametrize("number", ["1", "2", "3", "x"])
def test_a_repetition_that_is_the_first_to_arrive_is_stored(doors: Doors, number: str) -> None:
    call = genuine(EVENTS).but(("x-slack-retry-num", number), ("x-slack-retry-reason", "http_timeout"))
    assert doors.post(call).status_code == 200
    assert doors.stored(call) == 1


def test_without_the_database_every_call_is_put_off_in_time_and_taken_after_it(doors: Doors) -> None:
    calls = [genuine(path) for path in (*SLACK, *TWILIO)]
    with stopped(doors):
        answers = [timed(doors, call) for call in calls]
        assert doors.get("/healthz").status_code == 200
        assert doors.get("/readyz").status_code == 503
    assert [status for status, _ in answers] == [503] * 5
    assert max(seconds for _, seconds in answers) < PATIENCE
    again = [call.but(("x-slack-retry-num", "1")) for call in calls]
    assert [doors.post(call).status_code for call in again] == [200] * 5
    assert [doors.stored(call) for call in calls] == [1] * 5
    assert doors.get("/readyz").status_code == 200


def test_a_database_that_hangs_puts_calls_off_in_time(doors: Doors) -> None:
    calls = [genuine(path) for path in (*SLACK, *TWILIO) for _ in range(6)]
    with stalled(doors), ThreadPoolExecutor(len(calls)) as callers:
        answers = list(callers.map(lambda call: timed(doors, call), calls))
    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < PATIENCE
    assert {doors.post(call).status_code for call in calls} == {200}
    assert {doors.stored(call) for call in calls} == {1}


def test_a_stranger_is_refused_even_without_the_database(doors: Doors) -> None:
    with stopped(doors):
        assert doors.post(genuine(EVENTS).without("x-slack-signature")).status_code == 401
        assert doors.post(genuine(STATUS).without("x-twilio-signature")).status_code == 403
