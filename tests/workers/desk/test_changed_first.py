"""Slack repeats a call that met a failure of ours: by then the call about an edit or a deletion may have come."""

import pytest

from tests.desk import Desk

HOLD = 5.0


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "REPLY_HOLD_SECONDS": str(HOLD)}


@pytest.fixture
def thread(desk: Desk) -> str:
    desk.text("What does it cost?")
    desk.work()
    return desk.thread()


def texts(desk: Desk) -> list[str]:
    return [str(each["body"]) for each in desk.effects("twilio", "message")]


def late(desk: Desk, ts: str, body: str, *, thread: str, **more: object) -> None:
    """Hand in Slack's repeated call about a new message, and let the hold pass."""
    event = {"type": "message", "user": "U0ADA", "channel": "C0SUPPORT", "text": body, "ts": ts, "thread_ts": thread}
    desk.slack({**event, "channel_type": "channel", **more})
    desk.work()
    desk.let_pass(HOLD + 1)


def test_an_answer_deleted_before_it_came_never_leaves(desk: Desk, thread: str) -> None:
    ts = desk.sandbox.say("U0ADA", "C0SUPPORT", "You idiot.", thread_ts=thread)
    desk.delete(ts, thread=thread)
    desk.work()
    late(desk, ts, "You idiot.", thread=thread, files=[{"id": "F1", "url_private_download": "https://gone.example/1"}])
    assert (texts(desk), desk.bodies()) == ([], ["What does it cost?"])
    assert desk.scalars("SELECT error FROM inbound_events ORDER BY id DESC LIMIT 1") == ["deleted before this came"]


def test_an_answer_edited_before_it_came_leaves_as_it_was_edited_last(desk: Desk, thread: str) -> None:
    ts = desk.sandbox.say("U0ADA", "C0SUPPORT", "It costs 10.", thread_ts=thread)
    for body in ("It costs 100.", "It costs 1000."):
        desk.edit(ts, body, thread=thread)
    desk.work()
    late(desk, ts, "It costs 10.", thread=thread)
    assert (texts(desk), desk.bodies()[1:]) == (["It costs 1000."], ["It costs 1000."])


def test_a_note_edited_before_it_came_is_still_a_note(desk: Desk, thread: str) -> None:
    for first, edited in (("note: she pays late", "She pays late"), ("<@U0BEN> she pays late", "She pays late")):
        ts = desk.sandbox.say("U0ADA", "C0SUPPORT", first, thread_ts=thread)
        desk.edit(ts, edited, thread=thread)
        desk.work()
        late(desk, ts, first, thread=thread)
    assert texts(desk) == []
    assert [each.body for each in desk.notes()] == ["She pays late"] * 2


def test_a_message_that_is_known_as_edited_does_not_fall_back_to_an_earlier_edit(desk: Desk, thread: str) -> None:
    ts = desk.sandbox.say("U0ADA", "C0SUPPORT", "1", thread_ts=thread)
    desk.edit(ts, "2", thread=thread)
    desk.work()
    late(desk, ts, "3", thread=thread, edited={"user": "U0ADA", "ts": f"{float(ts) + 9:.6f}"})
    assert texts(desk) == ["3"]


def test_an_edit_that_comes_after_a_later_one_changes_nothing(desk: Desk, thread: str) -> None:
    ts = desk.say("1", thread=thread)
    desk.work()
    for body, seconds in (("3", 9), ("2", 5)):
        said = {"type": "message", "user": "U0ADA", "ts": ts, "thread_ts": thread}
        after = {**said, "text": body, "edited": {"user": "U0ADA", "ts": f"{float(ts) + seconds:.6f}"}}
        changed = {"type": "message", "subtype": "message_changed", "channel": "C0SUPPORT", "ts": f"{ts}{seconds}"}
        desk.slack({**changed, "message": after, "previous_message": {**said, "text": "1"}})
        desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == ["3"]


def test_a_clients_message_deleted_before_it_came_opens_nothing(desk: Desk) -> None:
    ts = desk.sandbox.say("U0CLEO", "C0CLIENTS", "My password is hunter2")
    desk.delete(ts, thread="", user="U0CLEO", channel="C0CLIENTS")
    desk.work()
    late(desk, ts, "My password is hunter2", thread="", user="U0CLEO", channel="C0CLIENTS")
    assert desk.tickets() == []
