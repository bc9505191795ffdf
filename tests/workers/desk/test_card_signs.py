"""Emoji on a ticket's card: an agent's asks for something, ours says how it stands."""

import pytest

from tests.desk import Desk


@pytest.fixture
def mailed(desk: Desk) -> Desk:
    """Return a desk with one ticket by mail, its card posted."""
    desk.mail()
    desk.work()
    return desk


def react(desk: Desk, emoji: str, *, user: str = "U0ADA", ts: str = "") -> None:
    desk.react(emoji, user=user, ts=ts)
    desk.work()


def ours(desk: Desk) -> set[str]:
    card = desk.sandbox.thread("C0SUPPORT", desk.thread())[0]
    return {each["name"] for each in card.get("reactions", []) if "U0FRONTDESK" in each["users"]}


def test_eyes_take_the_ticket(mailed: Desk) -> None:
    react(mailed, "eyes")
    assert "*Assigned to*\\nAda Agent" in mailed.card()
    assert mailed.in_thread()[-1] == "Ada Agent took the ticket."


def test_a_check_mark_closes_it(mailed: Desk) -> None:
    react(mailed, "white_check_mark")
    assert mailed.ticket().status == "closed"


def test_an_exclamation_mark_makes_it_urgent(mailed: Desk) -> None:
    react(mailed, "exclamation")
    assert mailed.ticket().priority == "urgent"
    assert mailed.in_thread()[-1] == "Priority medium → urgent: Ada Agent set it."


@pytest.mark.parametrize("user", ["U0EVE", "U0CLEO", "U0FAR", "U0GONE"])
@pytest.mark.parametrize("emoji", ["eyes", "white_check_mark", "exclamation"])
def test_who_is_no_agent_asks_for_nothing_and_is_told(mailed: Desk, emoji: str, user: str) -> None:
    react(mailed, emoji, user=user)
    assert (mailed.ticket().status, mailed.ticket().priority) == ("open", "medium")
    assert mailed.count("ticket_assignments") == 0
    assert "Nothing was changed" in mailed.words()[-1]


@pytest.mark.parametrize("emoji", ["eyes", "white_check_mark", "exclamation"])
def test_an_emoji_on_a_message_in_the_thread_asks_for_nothing(mailed: Desk, emoji: str) -> None:
    ts = str(mailed.sandbox.thread("C0SUPPORT", mailed.thread())[1]["ts"])
    react(mailed, emoji, ts=ts)
    assert (mailed.ticket().status, mailed.ticket().priority) == ("open", "medium")
    assert mailed.count("ticket_assignments") == 0


def test_another_emoji_is_not_even_stored(mailed: Desk) -> None:
    events = mailed.count("inbound_events")
    react(mailed, "tada")
    assert mailed.count("inbound_events") == events


def test_taking_an_emoji_away_undoes_nothing_and_putting_it_again_adds_nothing(mailed: Desk) -> None:
    react(mailed, "eyes")
    mailed.sandbox.unreact("U0ADA", "C0SUPPORT", mailed.thread(), "eyes")
    before = mailed.count("messages")
    react(mailed, "eyes")
    assert mailed.count("messages") == before
    assert "*Assigned to*\\nAda Agent" in mailed.card()


def test_what_changes_elsewhere_is_signed_on_the_card(mailed: Desk) -> None:
    ticket = mailed.ticket().id
    for action, choice in (("assign", 1), ("priority", "urgent"), ("status", "closed")):
        mailed.pick(action, f"{ticket}:{choice}")
        mailed.work()
    assert ours(mailed) == {"eyes", "exclamation", "white_check_mark"}
    for action, choice in (("assign", 0), ("priority", "low"), ("status", "open")):
        mailed.pick(action, f"{ticket}:{choice}")
        mailed.work()
    assert ours(mailed) == set()


def test_a_card_whose_signs_stand_already_is_not_signed_again(mailed: Desk) -> None:
    mailed.pick("take")
    mailed.work()
    before = len(mailed.effects("slack", "reaction"))
    mailed.pick("priority", f"{mailed.ticket().id}:high")
    mailed.work()
    assert len(mailed.effects("slack", "reaction")) == before
