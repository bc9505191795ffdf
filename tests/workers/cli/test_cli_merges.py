import json

import pytest
from click.testing import Result

from tests.desk import Desk
from tests.workers.cli.conftest import Frontdesk

AS_ADA = ("--as", "ada@desk.example")


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return str(result.stdout).splitlines()[-1]


def refusal(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (1, "")
    return str(result.stderr).splitlines()[-1]


@pytest.fixture
def tickets(desk: Desk) -> tuple[int, int, int]:
    """Open two tickets of one client and one of another, who may be the same person."""
    desk.mail("one", subject="One")
    desk.mail("two", subject="Two")
    desk.mail("three. Call me or write to cleo@client.example.", sender="Cleo <cleo@work.example>", subject="Three")
    desk.work()
    one, two, three = (ticket.id for ticket in desk.tickets())
    return one, two, three


def test_tickets_are_merged_and_parted(frontdesk: Frontdesk, desk: Desk, tickets: tuple[int, int, int]) -> None:
    one, two, _ = tickets
    assert (
        said(frontdesk("tickets", "merge", one, two, *AS_ADA)) == f"merge 1: ticket {two} is part of ticket {one} now"
    )
    assert desk.bodies(one) == ["one", "two"]
    assert said(frontdesk("clients", "undo", 1, *AS_ADA)) == f"merge 1 is undone: ticket {two} stands for itself again"
    assert desk.bodies(two) == ["two"]


def test_a_merged_ticket_is_neither_answered_nor_closed_but_shown(
    frontdesk: Frontdesk, tickets: tuple[int, int, int]
) -> None:
    one, two, _ = tickets
    frontdesk("tickets", "merge", one, two, *AS_ADA)
    for words in (("reply", two, "Hi"), ("close", two)):
        assert refusal(frontdesk("tickets", *words, *AS_ADA)) == f"Error: ticket {two} was merged into ticket {one}"
    assert f"merged into #{one}" in frontdesk("tickets", "show", two).stdout


def test_clients_are_found_merged_and_parted(frontdesk: Frontdesk, desk: Desk, tickets: tuple[int, int, int]) -> None:
    one, _, three = tickets
    home, _, work = (ticket.client_id for ticket in desk.tickets())
    assert f"(client {work})" in frontdesk("tickets", "show", three).stdout
    row = json.loads(said(frontdesk("clients", "duplicates", work, "--json")))
    assert (row["id"], row["name"]) == (home, "Cleo")
    assert "merge the clients first" in refusal(frontdesk("tickets", "merge", one, three, *AS_ADA))
    said(frontdesk("clients", "merge", home, work, *AS_ADA))
    said(frontdesk("tickets", "merge", one, three, *AS_ADA))
    assert "undo 2 first" in refusal(frontdesk("clients", "undo", 1, *AS_ADA))
    assert {ticket.client_id for ticket in desk.tickets()} == {home}


def test_who_is_nobody_or_not_of_the_department_changes_nothing(
    frontdesk: Frontdesk, desk: Desk, tickets: tuple[int, int, int]
) -> None:
    desk.mail("money", to="billing@desk.example")
    desk.work()
    assert "there is no user" in refusal(frontdesk("tickets", "merge", *tickets[:2], "--as", "nobody@desk.example"))
    assert "not an agent of every" in refusal(frontdesk("tickets", "merge", 1, desk.tickets()[-1].id, *AS_ADA))
    assert desk.count("merges") == 0
