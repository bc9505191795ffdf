"""What agents ask for with /desk."""

import json

import pytest

from tests.desk import Desk


@pytest.fixture
def two(desk: Desk) -> Desk:
    """Return a desk with a ticket of Support's, answered, and one of Billing's, both with cards."""
    desk.mail("The *toner* leaks.", subject="Printer & fire")
    desk.work()
    desk.say("note: she called", thread=desk.thread())
    desk.say("Pull the plug.", thread=desk.thread())
    desk.mail("Too high", sender="Dora <dora@other.example>", to="billing@desk.example", subject="Invoice 7")
    desk.work()
    return desk


def test_lists_show_own_departments_only_and_administrators_all(two: Desk) -> None:
    first, second = (each.id for each in two.tickets())
    assert f"#{first} Printer &amp; fire" in two.command("mine")
    assert "No ticket waits" in two.command("waiting")
    opened = two.command("open")
    assert f"#{first} Printer" in opened
    assert "Invoice 7" not in opened
    everything = two.command("open", user="U0BEN")
    assert everything.index("Invoice 7") < everything.index("Printer")  # who waits for an agent comes first
    assert f"#{second} Invoice 7" in two.command("waiting", user="U0BEN")
    assert "You have no tickets." in two.command("mine", user="U0BEN")


def test_words_are_found_by_their_beginning_in_titles_texts_names_and_addresses_of_own_departments(two: Desk) -> None:
    for words in ("toner", "TONER leak", "print plug", "fire cleo", "cleo@client.exam", "Cleo printer fire", "leaks."):
        assert "#1 Printer" in two.command(f"search {words}"), words
    for words in ("toner invoice", "oner", "called", "!!!", "'); DROP", "\\", "zz:*", "invoice", "x & |"):
        assert "None in your departments." in two.command(f"search {words}"), words


def test_a_ticket_is_shown_with_what_was_said_last_and_no_other(two: Desk) -> None:
    shown = two.command("show #1")
    assert f"p{two.thread(1).replace('.', '')}|#1 Printer" in shown
    assert "Cleo: The *toner* leaks." in shown
    assert "Ada Agent: Pull the plug." in shown
    assert "she called" not in shown
    for nothing in ("show 2", "show 99", "show x", "show 99999999999"):
        assert two.command(nothing) == "There is no such ticket in your departments."
    assert two.command("show").endswith("/desk show 12")
    assert "Invoice 7" in two.command("show 2", user="U0BEN")


def test_other_words_are_answered_with_help_and_who_is_no_agent_with_what_to_do(two: Desk) -> None:
    for words in ("", "help", "melt"):
        assert "/desk search WORDS" in two.command(words)
    for user in ("U0EVE", "U0CLEO", "U0FAR"):
        for words in ("open", "search toner", "show 1", "new cleo@client.example Hello"):
            assert two.command(words, user=user).startswith("Nothing was changed: your account is")
    assert len(two.tickets()) == 2
    assert json.dumps("Printer") not in str(two.words())
