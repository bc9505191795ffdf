"""What agents do on a card: by Slack's own calls, for what stands on the card that was posted."""

import pytest

from sandbox.faults import Fault
from tests.desk import Desk
from workers.desk.card_actions import ACTIONS

BEN, ADA, SUPPORT, BILLING = 2, 1, 1, 2


@pytest.fixture
def mailed(desk: Desk) -> Desk:
    """Return a desk with one ticket by mail, its card posted."""
    desk.mail()
    desk.work()
    return desk


def pick(desk: Desk, action: str, choice: object, *, user: str = "U0ADA") -> None:
    desk.pick(action, f"{desk.ticket().id}:{choice}", user=user)
    desk.work()


@pytest.mark.parametrize("status", ["waiting_for_agent", "waiting_for_user", "closed", "unresolved"])
def test_any_status_can_be_chosen_on_the_card(mailed: Desk, status: str) -> None:
    pick(mailed, "status", status)
    assert mailed.ticket().status == status
    assert f"Status open → {status.replace('_', ' ')}: Ada Agent set it." in mailed.in_thread()
    assert f"*Status*\\n{status.replace('_', ' ')}" in mailed.card()


def test_a_closed_ticket_is_opened_by_its_status_menu(mailed: Desk) -> None:
    pick(mailed, "status", "unresolved")
    pick(mailed, "status", "open")
    assert (mailed.ticket().status, mailed.ticket().closed_at) == ("open", None)


def test_a_priority_is_chosen_and_told_by_whom(mailed: Desk) -> None:
    pick(mailed, "priority", "high")
    assert mailed.ticket().priority == "high"
    assert "Priority medium → high: Ada Agent set it." in mailed.in_thread()
    assert "*Priority*\\nhigh" in mailed.card()


def test_a_ticket_is_given_to_a_colleague_and_then_to_nobody(mailed: Desk) -> None:
    pick(mailed, "assign", BEN)
    assert "*Assigned to*\\nBen Agent" in mailed.card()
    pick(mailed, "assign", 0)
    assert "*Assigned to*\\nnobody yet" in mailed.card()
    assert mailed.in_thread()[-2:] == [
        "Ada Agent assigned the ticket to Ben Agent.",
        "Ada Agent took the ticket away from Ben Agent: nobody has it now.",
    ]


def test_a_ticket_is_not_given_to_who_is_no_agent_of_its_department_any_more(mailed: Desk) -> None:
    mailed.scalars("UPDATE users SET type = 'agent' WHERE id = 2 RETURNING id")
    mailed.scalars("DELETE FROM user_departments WHERE user_id = 2 RETURNING user_id")
    pick(mailed, "assign", BEN)
    assert mailed.count("ticket_assignments") == 0
    assert "not an agent of this ticket's department" in mailed.words()[-1]


def test_tags_are_chosen_in_a_form(mailed: Desk) -> None:
    ticket = mailed.ticket().id
    mailed.pick("ask_tags")
    mailed.work()
    mailed.submit({"choice": {"tags": [f"{ticket}:1", f"{ticket}:3"]}})
    mailed.work()
    assert "*Tags*\\nbilling, how-to" in mailed.card()
    assert mailed.in_thread()[-1] == "Tags: billing, how-to. Ada Agent set them."


def test_a_form_sent_off_with_nothing_chosen_takes_all_tags_away(mailed: Desk) -> None:
    mailed.scalars("INSERT INTO ticket_tags VALUES (:ticket, 1) RETURNING tag_id", ticket=mailed.ticket().id)
    mailed.pick("ask_tags")
    mailed.work()
    mailed.submit({"choice": {"tags": []}})
    mailed.work()
    assert mailed.count("ticket_tags") == 0


def test_a_form_that_cannot_be_opened_is_said(mailed: Desk) -> None:
    mailed.sandbox.fault(Fault(service="slack", kind="5xx_before", method="views.open"))
    mailed.pick("ask_tags")
    mailed.work()
    assert mailed.effects("slack", "view") == []
    assert "Press it again" in mailed.words()[-1]


@pytest.mark.parametrize(
    ("action", "choice"),
    [("status", "closed"), ("priority", "urgent"), ("assign", ADA), ("department", BILLING)],
)
@pytest.mark.parametrize("user", ["U0EVE", "U0CLEO", "U0FAR", "U0GONE", "U0ROBOT"])
def test_who_is_no_agent_changes_nothing_and_is_told(mailed: Desk, action: str, choice: object, user: str) -> None:
    before = mailed.told()
    pick(mailed, action, choice, user=user)
    ticket = mailed.ticket()
    assert (ticket.status, ticket.priority, ticket.department_id) == ("open", "medium", SUPPORT)
    assert mailed.count("ticket_assignments") == 0
    assert mailed.told() == before
    assert mailed.words()[-1].startswith("Nothing was changed: your account is")


def test_the_department_that_counts_is_the_one_found_at_the_press(mailed: Desk) -> None:
    """The card was drawn for Support; by the time of the press the ticket is Billing's, where Ada is no agent."""
    mailed.scalars("UPDATE tickets SET department_id = 2 RETURNING id")
    for action, choice in (("status", "closed"), ("priority", "high"), ("assign", ADA), ("department", BILLING)):
        pick(mailed, action, choice)
    assert (mailed.ticket().status, mailed.ticket().priority) == ("open", "medium")
    assert len([each for each in mailed.words() if "not an agent of this department" in each]) == 4


def test_a_form_is_refused_to_who_lost_the_department_while_it_was_open(mailed: Desk) -> None:
    mailed.pick("ask_tags")
    mailed.work()
    mailed.scalars("DELETE FROM user_departments WHERE user_id = 1 RETURNING user_id")
    mailed.submit({"choice": {"tags": [f"{mailed.ticket().id}:1"]}})
    mailed.work()
    assert mailed.count("ticket_tags") == 0
    assert "not an agent of this department" in mailed.words()[-1]


@pytest.mark.parametrize("user", ["U0EVE", "U0CLEO", "U0FAR", "U0GONE", "U0ROBOT"])
def test_a_form_sent_off_by_who_is_no_agent_changes_nothing(mailed: Desk, user: str) -> None:
    mailed.pick("ask_tags")
    mailed.work()
    mailed.submit({"choice": {"tags": [f"{mailed.ticket().id}:1"]}}, user=user)
    mailed.work()
    assert mailed.count("ticket_tags") == 0
    assert mailed.words()[-1].startswith("Nothing was changed: your account is")


def state(desk: Desk) -> list[object]:
    tables = ("tickets", "ticket_assignments", "ticket_tags", "blocks", "messages")
    return [desk.scalars(f"SELECT {table}::text FROM {table} ORDER BY 1") for table in tables]  # noqa: S608 (names of ours)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_a_ticket_of_another_department_is_out_of_reach_whatever_the_call_names(desk: Desk, action: str) -> None:
    desk.mail(to="billing@desk.example")
    desk.work()
    before = state(desk)
    for choice in ("", "1", "closed", "high", "0"):
        desk.press(action, desk.ticket().id, choice=choice)
    desk.work()
    assert state(desk) == before
    assert desk.effects("slack", "view") == []


@pytest.mark.parametrize("choice", ["0x1", "99", "-1", "99999999999", "1 OR 1=1", "\x00", "melted", "ä" * 300])
@pytest.mark.parametrize("action", ["status", "priority", "assign", "department", "tags"])
def test_a_choice_that_was_never_offered_changes_nothing(mailed: Desk, action: str, choice: str) -> None:
    before = state(mailed)
    mailed.press(action, mailed.ticket().id, choice=choice)
    mailed.work()
    assert state(mailed) == before
    assert mailed.scalars("SELECT status FROM inbound_events ORDER BY id") == ["processed", "processed"]


def test_more_than_a_card_holds_is_asked_for_in_a_form(mailed: Desk) -> None:
    values = ", ".join(f"('Agent {number:03}', 'a{number}@desk.example', 'administrator')" for number in range(150))
    mailed.scalars(f"INSERT INTO users (name, email, type) VALUES {values} RETURNING id")  # noqa: S608 (numbers of ours)
    mailed.pick("take")
    mailed.work()
    mailed.pick("ask_assign")
    mailed.work()
    chosen = mailed.scalars("SELECT id FROM users WHERE name = 'Agent 149'")[0]
    mailed.submit({"choice": {"assign": f"{mailed.ticket().id}:{chosen}"}})
    mailed.work()
    assert "*Assigned to*\\nAgent 149" in mailed.card()


def test_the_first_answer_gives_the_ticket_to_its_author(mailed: Desk) -> None:
    mailed.say("Pull the plug.", thread=mailed.thread())
    mailed.work()
    assert "*Assigned to*\\nAda Agent" in mailed.card()
    assert "Ada Agent answered first and has the ticket now." in mailed.in_thread()


def test_an_answer_takes_the_ticket_from_nobody(mailed: Desk) -> None:
    pick(mailed, "assign", BEN)
    mailed.say("Pull the plug.", thread=mailed.thread())
    mailed.work()
    assert "*Assigned to*\\nBen Agent" in mailed.card()


def test_a_second_answer_does_not_assign_what_was_given_back(mailed: Desk) -> None:
    mailed.say("Pull the plug.", thread=mailed.thread())
    mailed.work()
    pick(mailed, "assign", 0)
    mailed.say("And wait.", thread=mailed.thread())
    mailed.work()
    assert mailed.count("ticket_assignments") == 0


def test_a_department_may_leave_its_tickets_to_nobody(mailed: Desk) -> None:
    mailed.scalars(
        "INSERT INTO department_settings (department_id, assign_first_answer) VALUES (1, false) RETURNING department_id"
    )
    mailed.say("Pull the plug.", thread=mailed.thread())
    mailed.work()
    assert mailed.count("ticket_assignments") == 0
