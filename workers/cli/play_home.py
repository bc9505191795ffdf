"""The steps of the demo that agents take without a card: at home, by /desk, and in a message's menu."""

import json

from sandbox.client import file, wait_for
from workers.cli.play import ADA, AGENTS, CLIENT_IN_SLACK, Play

_LOBBY = "C0LOBBY"


def agents_find_their_work(play: Play) -> None:
    """Show an agent their work at home, and find a ticket by words."""
    card = play.cards["mail"]
    ticket = play.ticket(card)
    play.sandbox.open_home(ADA)
    home = wait_for(lambda: _home(play, f"#{ticket} "), "the ticket at home", 30)
    play.check(home.index("Your tickets") < home.index(f"#{ticket} "), "Ada's home shows her ticket")
    play.sandbox.command(ADA, AGENTS, "/desk", "search printer burns")
    found = wait_for(lambda: _answer(play, "Tickets with"), "an answer to /desk search", 30)
    play.check(f"#{ticket} " in found and card.replace(".", "") in found, "/desk search finds it, with a link to it")
    play.sandbox.press_home(ADA, "close", str(ticket))
    play.in_thread(card, "Ada Agent closed the ticket")
    gone = wait_for(lambda: f"#{ticket} " not in _home(play, "Your tickets"), "the closed ticket to leave home", 30)
    play.check(gone, "closing it there takes it away")


def message_becomes_a_ticket(play: Play) -> None:
    """Make a ticket of a message in Slack, once."""
    given = [file("error.log", b"E42")]
    ts = play.sandbox.say(CLIENT_IN_SLACK, _LOBBY, "The export stops with an error", files=given)
    play.sandbox.shortcut(ADA, _LOBBY, ts, "open_ticket")
    card = play.card("The export stops with an error")
    play.check(play.in_thread(card, '"error.log"'), "“Open a ticket” in its menu made a card, with the file")
    play.answer(card, "Please update first.")
    said = wait_for(lambda: _below(play, ts, "Please update first."), "the answer in the message's thread", 30)
    play.check(f"ticket #{play.ticket(card)}" in said, "its thread says which ticket it is, and has the answer")
    play.sandbox.shortcut(ADA, _LOBBY, ts, "open_ticket")
    play.check(wait_for(lambda: _answer(play, "already"), "word of the ticket", 30), "the same message gives no second")


def _home(play: Play, text: str) -> str:
    shown = json.dumps(play.sandbox.home(ADA), ensure_ascii=False)
    return shown if text in shown else ""


def _answer(play: Play, text: str) -> str:
    answers = [json.dumps(each, ensure_ascii=False) for each in play.sandbox.ledger("slack", "response")]
    return next((each for each in reversed(answers) if text in each), "")


def _below(play: Play, ts: str, text: str) -> str:
    said = json.dumps(play.sandbox.thread(_LOBBY, ts)[1:], ensure_ascii=False)
    return said if text in said else ""
