"""What agents ask for with `/desk`. Answers are seen by them alone, and only of departments in which they may act."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import AgentAction, Listing, Profile, clean_line
from models.base import row_id
from models.clients import client_by_id
from models.messages import Message, last_said_in
from models.search import MOST_WORDS, TooMuchFoundError, search
from models.tickets import Ticket, TicketStatus
from models.users import User
from models.worklists import NOT_ENDED, WAITING, newest, of_user, within, worklist
from workers.desk.home import departments_for, line_of, listing_of
from workers.desk.identity import Refusal, user_for
from workers.desk.opening import Openings
from workers.desk.outcome import Answer, Outcome, answered

HELP = (
    "/desk mine: your tickets\n"
    "/desk waiting: what waits for an agent, the oldest first\n"
    "/desk open: everything that is not closed\n"
    "/desk search WORDS: in titles, messages, clients' names and addresses\n"
    "/desk show 12: ticket 12, with what was said last\n"
    "/desk new cleo@client.example WORDS: a ticket for a client by mail; a number like +15550100000 is by SMS, "
    "whatsapp:+15550100000 by WhatsApp. Nothing is sent until you write in its thread\n"
    "Clients are answered in a ticket's thread: begin with note: to keep a message among you, or with reply: where "
    "only that goes out. On a card 👀 takes the ticket, ✅ closes it, ❗ makes it urgent.\n"
    "“Open a ticket”, in the menu of a client's message outside of the "
    "agents' channels, makes a ticket of it."
)
_LISTED = 20
_SAID = 5
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Answers commands, and opens tickets."""

    openings: Openings

    def record(self, session: Session, action: AgentAction, profile: Profile | None, event_id: int) -> Outcome:
        """Do what the words say; words that say nothing are answered with those that do."""
        user = user_for(session, action.actor, profile)
        if isinstance(user, Refusal):
            return answered(action, f"Your account {user}.")
        word, _, rest = action.value.partition(" ")
        if word.lower() == "new":
            return self.openings.for_address(session, user, action, rest.strip(), event_id)
        asked = _LISTS.get(word.lower())
        if asked is None:
            return answered(action, HELP)
        found = asked(session, user, rest.strip())
        return answered(action, found) if isinstance(found, str) else _listed(action, found)


def _listed(action: AgentAction, listing: Listing) -> Outcome:
    return Outcome(answers=(Answer(text=listing.title, url=action.answer_url, listing=listing),))


def _mine(session: Session, user: User, _: str) -> Listing:
    own = within(departments_for(session, user))
    found = worklist(session, NOT_ENDED, _LISTED, of_user(user.id), own)
    return listing_of("Your tickets", found, empty="You have no tickets.")


def _waiting(session: Session, user: User, _: str) -> Listing:
    return _of_status(session, user, WAITING, "Waiting for an agent")


def _open(session: Session, user: User, _: str) -> Listing:
    return _of_status(session, user, NOT_ENDED, "Open tickets")


def _of_status(session: Session, user: User, statuses: Sequence[TicketStatus], title: str) -> Listing:
    found = worklist(session, statuses, _LISTED, within(departments_for(session, user)))
    return listing_of(title, found, empty="No ticket waits for an answer.")


def _search(session: Session, user: User, words: str) -> Listing | str:
    if not words:
        return "Search for what? Write words after it: /desk search printer"
    try:
        found = search(session, words.split(), _LISTED, department_ids=departments_for(session, user))
    except TooMuchFoundError:
        return "These words stand in too many tickets: add one that is rarer."
    ignored = f" (of the first {MOST_WORDS} words)" if len(words.split()) > MOST_WORDS else ""
    title = f"Tickets with “{clean_line(words, 80)}”{ignored}"
    return listing_of(title, found, more="add words to find fewer", empty="None in your departments.")


def _show(session: Session, user: User, words: str) -> Listing | str:
    if not words:
        return "Show which? Write its number after it: /desk show 12"
    ticket_id = row_id(words.removeprefix("#"))
    own = within(departments_for(session, user))
    found = newest(session, 1, Ticket.id == ticket_id, own) if ticket_id else None
    if found is None or not found.listed:
        return "There is no such ticket in your departments."
    said = [_said(session, each) for each in last_said_in(session, found.listed[0].ticket.id, _SAID)]
    line = line_of(found.listed[0])
    return Listing(title=f"Ticket #{line.ticket_id}", lines=(line,), below="\n".join(said) or "Nothing was said yet.")


def _said(session: Session, message: Message) -> str:
    user = session.get(User, message.user_id) if message.user_id else None
    client = client_by_id(session, message.client_id) if message.client_id else None
    who = next((each.name for each in (user, client) if each is not None), "")
    body = " ".join(message.body.split())
    words = body if len(body) <= _LONGEST else f"{body[:_LONGEST]}\N{HORIZONTAL ELLIPSIS}"
    return f"{message.created_at:%d %b, %H:%M} UTC, {clean_line(who, 80)}: {words or '(no words)'}"


_LISTS: dict[str, Callable[[Session, User, str], Listing | str]] = {
    "mine": _mine,
    "waiting": _waiting,
    "open": _open,
    "search": _search,
    "show": _show,
}
