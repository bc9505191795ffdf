"""Merging and undoing by Slack's own calls, for what stands on cards and in threads."""

import json

import pytest

from channels.base import ExternalId
from tests.desk import Desk
from tests.workers.desk.merging_steps import merge_tickets
from tests.workers.desk.test_merged_clients import busy, everything
from tests.workers.desk.thread_steps import buttons_below, look_at_newcomers, press_below

WORK = "Cleo <cleo@work.example>"


@pytest.fixture
def two(desk: Desk) -> tuple[int, int]:
    """Open two tickets of one client, their cards posted."""
    desk.mail("From the one.", subject="One")
    desk.mail("From the other.", subject="Other")
    desk.work()
    one, other = (ticket.id for ticket in desk.tickets())
    return one, other


def ask(desk: Desk, ticket: int) -> list[str]:
    """Choose “Merge …” on a ticket's card and return what the form offers."""
    desk.pick("more", f"ask_merge:{ticket}", ts=desk.thread(ticket))
    desk.work()
    view = json.loads(json.dumps(desk.effects("slack", "view")[-1]["view"]))
    return [option["text"]["text"] for option in view["blocks"][0]["element"]["options"]]


def test_a_ticket_is_merged_by_its_card_and_parted_by_a_button_in_the_kept_ones_thread(
    desk: Desk, two: tuple[int, int]
) -> None:
    one, other = two
    desk.mail("Somebody else's.", sender="Dan <dan@client.example>")
    desk.mail("For Billing.", to="billing@desk.example", subject="Bill")
    desk.work()
    assert ask(desk, one) == [f"#{other} Other (open)"]
    desk.submit({"choice": {"merge": f"{one}:{other}"}})
    desk.work()
    assert desk.bodies(other) == ["From the one.", "From the other."]
    assert f"Merged into *#{other}*" in desk.card(one)
    told = f"#{one} was merged into this ticket by Ada Agent"
    press_below(desk, told, "Undo", ticket_id=other)
    assert desk.bodies(one) == ["From the one."]
    press_below(desk, told, "Undo", ticket_id=other)
    assert desk.words()[-1] == "Nothing was changed: This merge was undone already."


def test_who_has_one_ticket_only_has_nothing_to_merge_it_with(desk: Desk) -> None:
    desk.mail()
    desk.work()
    desk.pick("more", f"ask_merge:{desk.ticket().id}")
    desk.work()
    assert desk.effects("slack", "view") == []
    assert "another of the same client" in desk.words()[-1]


def test_an_older_merge_is_undone_after_the_newer_one(desk: Desk, two: tuple[int, int]) -> None:
    one, other = two
    merge_tickets(desk, other, one)
    desk.mail("A third.", subject="Third")
    desk.work()
    merge_tickets(desk, desk.tickets()[-1].id, other)
    desk.work()
    press_below(desk, f"#{one} was merged into this ticket", "Undo", ticket_id=other)
    assert desk.words()[-1] == "Nothing was changed: Merge 2 builds on merge 1: undo 2 first."


def test_who_is_no_agent_merges_and_undoes_nothing_and_is_told(desk: Desk, two: tuple[int, int]) -> None:
    one, other = two
    strangers = ("U0EVE", "U0CLEO", "U0FAR", "U0GONE", "U0ROBOT")
    for user in strangers:
        ask(desk, one)
        desk.submit({"choice": {"merge": f"{one}:{other}"}}, user=user)
        desk.work()
    assert desk.count("merges") == 0
    merge_tickets(desk, one, other)
    desk.work()
    for user in strangers:
        press_below(desk, f"#{other} was merged into this ticket", "Undo", ticket_id=one, user=user)
    assert desk.scalars("SELECT undone_at FROM merges") == [None]
    assert len(desk.words()) == 2 * len(strangers)
    assert all(each.startswith("Nothing was changed: your account is ") for each in desk.words())


def test_who_is_no_agent_of_the_other_department_merges_nothing(desk: Desk) -> None:
    desk.mail("For Support.")
    desk.mail("For Billing.", to="billing@desk.example")
    desk.work()
    support, billing = (ticket.id for ticket in desk.tickets())
    for merged, kept in ((support, billing), (billing, support)):
        desk.press("merge", merged, choice=str(kept))
    for strange in ("", "99", "x", "0"):
        desk.press("merge", support, choice=strange)
        desk.press("undo_merge", strange)
    desk.work()
    assert desk.count("merges") == 0
    assert set(desk.scalars("SELECT status FROM inbound_events")) == {"processed"}


def test_merge_and_undo_by_buttons_leave_every_row_as_it_was(desk: Desk) -> None:
    desk.mail("From home.", subject="Printer")
    desk.mail("From work.", sender="Cleo Client <cleo@work.example>", subject="Monitor")
    desk.work()
    busy(desk)
    home, work = (ticket.id for ticket in desk.tickets()[:2])
    before = state(desk)
    assert len(desk.scalars("SELECT id FROM deliveries WHERE to_client AND status = 'pending'")) == 2
    desk.press("same_client", resemblance(desk))
    desk.ingest()
    desk.press("merge", work, choice=str(home))
    desk.ingest()
    assert state(desk) != before
    for merge in (2, 1):
        desk.press("undo_merge", merge)
        desk.ingest()
    assert desk.scalars("SELECT count(*) FROM merges WHERE undone_at IS NOT NULL") == [2]
    assert state(desk) == before


def state(desk: Desk) -> dict[str, list[object]]:
    """Return every row but those of what was pressed, and of what the agents had been asked."""
    return {table: rows for table, rows in everything(desk).items() if table not in {"inbound_events", "resemblances"}}


def resemblance(desk: Desk) -> object:
    """Let the agents be asked about the two clients."""
    return desk.scalars("INSERT INTO resemblances (client_id, other_id, ticket_id) VALUES (1, 2, 2) RETURNING id")[0]


# Clients


@pytest.fixture
def asked(desk: Desk) -> int:
    """Let a client we know write from a new address, and the agents be asked; return the new ticket."""
    desk.mail("From home.")
    desk.mail("Call me, or write to cleo@client.example.", sender=WORK, subject="From work")
    desk.work()
    assert look_at_newcomers(desk) == 1
    return desk.tickets()[1].id


QUESTION = "This client may be Cleo (cleo@client.example), who has an address or number that this client has"


def test_agents_are_asked_once_about_a_new_client_whom_we_may_know(desk: Desk, asked: int) -> None:
    assert buttons_below(desk, QUESTION, asked) == {"Merge": "same_client", "Not the same": "not_same"}
    desk.mail("Again: cleo@client.example.", sender=WORK, subject="Again")
    desk.work()
    assert look_at_newcomers(desk) == 0
    assert desk.count("newcomers") == 0


def test_clients_are_merged_by_the_answer_and_parted_by_the_button_below_it(desk: Desk, asked: int) -> None:
    press_below(desk, QUESTION, "Merge", ticket_id=asked)
    home, work = desk.tickets()
    assert work.client_id == home.client_id
    press_below(desk, "was merged into Cleo by Ada Agent", "Undo", ticket_id=asked)
    assert [ticket.client_id for ticket in desk.tickets()] == [1, 2]


def test_clients_who_are_not_the_same_are_never_asked_about_again(desk: Desk, asked: int) -> None:
    press_below(desk, QUESTION, "Not the same", ticket_id=asked)
    assert desk.told(asked).endswith("Ada Agent said that this is not Cleo.")
    press_below(desk, QUESTION, "Merge", ticket_id=asked)
    assert "these are two people" in desk.words()[-1]
    desk.scalars("INSERT INTO newcomers (client_id) VALUES (2) RETURNING client_id")
    assert look_at_newcomers(desk) == 0
    assert desk.count("merges") == 0


def test_who_may_not_act_for_both_clients_answers_nothing(desk: Desk, asked: int) -> None:
    desk.mail("A bill.", to="billing@desk.example")
    desk.work()
    for label in ("Merge", "Not the same"):
        press_below(desk, QUESTION, label, ticket_id=asked)
    assert desk.scalars("SELECT distinct_since FROM resemblances") == [None]
    assert desk.count("merges") == 0
    assert len([each for each in desk.words() if "every department that this concerns" in each]) == 2


def test_machines_and_the_forged_are_taken_for_nobody(desk: Desk) -> None:
    desk.mail("From home.")
    notice = {"Auto-Submitted": "auto-generated", "Precedence": "bulk"}
    desk.mail("cleo@client.example did something.", sender="robot@shop.example", subject="Notice", headers=notice)
    desk.work()
    assert look_at_newcomers(desk) == 0


def test_a_slack_profile_is_asked_for_and_while_slack_is_away_the_newcomer_waits(desk: Desk) -> None:
    desk.mail("From home.", sender="Eve <eve@client.example>")
    desk.say("In Slack.", user="U0CLEO", channel="C0CLIENTS")
    desk.work()
    people = desk.tools.agents_desk.profile(ExternalId(type="slack", value="T0DESK/U0CLEO"))
    assert people is not None
    known = "UPDATE client_external_ids SET value = :email WHERE type = 'email' RETURNING id"
    desk.scalars(known, email=people.email)
    assert look_at_newcomers(desk) == 1
