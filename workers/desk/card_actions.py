"""What agents do on a ticket's card. Who acts was asked before; the ticket is locked: acting twice acts once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import AgentAction, ExternalId, Menu, clean_line
from models.assignments import assign, assigned_ids, assignees_of, unassign
from models.base import row_id
from models.blocks import block, block_of, unblock
from models.clients import Client
from models.departments import Department, desk_of
from models.messages import add_message, last_source
from models.tags import list_tags, set_tags, tag_ids_of
from models.tickets import Priority, Ticket, TicketStatus, tickets_of_client
from models.users import User, UserType, departments_of, works_in
from workers.desk import lifecycle
from workers.desk.cards import NOBODY, assign_menu, client_address, department_menu, tags_menu
from workers.desk.identity import Agent
from workers.desk.merge_actions import merge_menu
from workers.desk.outcome import Ask, Outcome, answered
from workers.outbox import AGENTS_CHANNEL, Outbox, Shown

_LISTED = 20
_TITLE = 80


class NotDoneError(Exception):
    """Why nothing was changed, in words for who acted; raised before anything is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardActions:
    """Acts on a ticket and shows what was done: in the thread by a system message, and on the card."""

    outbox: Outbox

    def act(self, session: Session, ticket: Ticket, agent: Agent, action: AgentAction) -> Outcome:
        """Do one of `ACTIONS`; what is so already is left, without a word."""
        try:
            if action.action == "ask_merge":
                return _ask(merge_menu(session, ticket, session.get_one(User, agent.user_id)), action)
            if action.action in _QUESTIONS:
                return _ask(_QUESTIONS[action.action](session, ticket), action)
            if action.action == "history":
                return answered(action, _history(session, ticket, agent))
            if action.action == "department":
                self._move(session, ticket, agent, action.choices)
            elif action.action in {"block", "unblock"}:
                self._show(session, ticket, self._sender(session, ticket, agent, action.action))
            else:
                self._show(session, ticket, _CHANGES[action.action](session, ticket, agent, action.choices))
        except NotDoneError as error:
            return answered(action, f"Nothing was changed: {error}")
        return Outcome()

    def _show(self, session: Session, ticket: Ticket, message_id: int | None) -> None:
        if message_id is not None:
            desk = desk_of(session, ticket.department_id)
            self.outbox.show(session, ticket, desk, Shown(message_id=message_id), card=True)

    def _move(self, session: Session, ticket: Ticket, agent: Agent, choices: Sequence[str]) -> None:
        """Give a ticket to another department; who cannot act there has it no more."""
        department = session.get(Department, _number(choices))
        after = desk_of(session, department.id if department else None)
        if department is None or after.agents_channel is None:
            raise NotDoneError("there is no such department, or its agents have no channel in Slack.")
        if ticket.department_id == department.id:
            return
        before = desk_of(session, ticket.department_id)
        ticket.department_id = department.id
        nobody = ", where nobody has it yet" if _left_behind(session, ticket) else ""
        self.outbox.move(session, ticket, before, after, f"{agent.name} moved the ticket to {department.name}{nobody}.")

    def _sender(self, session: Session, ticket: Ticket, agent: Agent, action: str) -> int | None:
        source = last_source(session, ticket.id)
        if source is None:
            raise NotDoneError("the client of this ticket has no address.")
        address = client_address(self.outbox.channels, source)
        if action == "unblock":
            return _unblock(session, ticket, agent, address)
        if not block(session, address, ticket_id=ticket.id, user_id=agent.user_id):
            return None
        sender = _named(session, ticket, address)
        text = f"{agent.name} blocked {sender}: what comes from there is set aside from now on."
        return add_message(session, ticket_id=ticket.id, body=text)


def _unblock(session: Session, ticket: Ticket, agent: Agent, address: ExternalId) -> int | None:
    blocked = block_of(session, address)
    number = blocked.set_aside if blocked else 0
    if not unblock(session, address):
        return None
    aside = "1 message was" if number == 1 else f"{number} messages were"
    kept = f" {aside} set aside meanwhile: an administrator can bring in what was." if number else ""
    sender = _named(session, ticket, address)
    return add_message(session, ticket_id=ticket.id, body=f"{agent.name} unblocked {sender}.{kept}")


def _named(session: Session, ticket: Ticket, address: ExternalId) -> str:
    """Return a sender as people know them: an id in Slack tells them nothing."""
    return session.get_one(Client, ticket.client_id).name if address.type == AGENTS_CHANNEL else address.value


def _left_behind(session: Session, ticket: Ticket) -> bool:
    """Take a ticket from who cannot act in its department; true when they were all who had it."""
    users = [session.get_one(User, each) for each in assigned_ids(session, ticket.id)]
    leaving = [user.id for user in users if not works_in(session, user, ticket.department_id)]
    unassign(session, ticket.id, leaving)
    return bool(users) and len(leaving) == len(users)


def _ask(menu: Menu, action: AgentAction) -> Outcome:
    if not menu.choices:
        raise NotDoneError(f"there is nothing to choose from. {_WHENCE[menu.action]}")
    return Outcome(asks=(Ask(trigger=action.trigger, answer_url=action.answer_url, asked=menu),))


def _history(session: Session, ticket: Ticket, agent: Agent) -> str:
    """Return the client's tickets that this agent may see, and the number of the others."""
    user = session.get_one(User, agent.user_id)
    own = None if user.type == UserType.ADMINISTRATOR else departments_of(session, user)
    tickets, number = tickets_of_client(session, ticket.client_id, _LISTED, department_ids=own)
    lines = [
        f"#{each.id} {clean_line(each.title, _TITLE)} ({each.status.replace('_', ' ')}, {each.created_at:%d %b %Y})"
        for each in tickets
    ]
    rest = [f"and {number - len(tickets)} older or of other departments"] if number > len(tickets) else []
    return "\n".join([f"Tickets of {session.get_one(Client, ticket.client_id).name}:", *lines, *rest])


def _take(session: Session, ticket: Ticket, agent: Agent, _: Sequence[str]) -> int | None:
    return lifecycle.take(session, ticket, agent.user_id, agent.name)


def _close(session: Session, ticket: Ticket, agent: Agent, _: Sequence[str]) -> int | None:
    return lifecycle.move(session, ticket, TicketStatus.CLOSED, f"{agent.name} closed the ticket")


def _reopen(session: Session, ticket: Ticket, agent: Agent, _: Sequence[str]) -> int | None:
    return lifecycle.move(session, ticket, TicketStatus.OPEN, f"{agent.name} reopened the ticket")


def _urgent(session: Session, ticket: Ticket, agent: Agent, _: Sequence[str]) -> int | None:
    return lifecycle.set_priority(session, ticket, Priority.URGENT, agent.name)


def _status(session: Session, ticket: Ticket, agent: Agent, choices: Sequence[str]) -> int | None:
    chosen = next((each for each in TicketStatus if each in choices), None)
    if chosen is None:
        raise NotDoneError("there is no such status.")
    return lifecycle.move(session, ticket, chosen, f"{agent.name} set it")


def _priority(session: Session, ticket: Ticket, agent: Agent, choices: Sequence[str]) -> int | None:
    chosen = next((each for each in Priority if each in choices), None)
    if chosen is None:
        raise NotDoneError("there is no such priority.")
    return lifecycle.set_priority(session, ticket, chosen, agent.name)


def _assign(session: Session, ticket: Ticket, agent: Agent, choices: Sequence[str]) -> int | None:
    """Give a ticket to one agent, or to nobody."""
    if tuple(choices) == (NOBODY,):
        return _to_nobody(session, ticket, agent)
    user = session.get(User, _number(choices))
    if user is None or not works_in(session, user, ticket.department_id):
        raise NotDoneError("who was chosen is not an agent of this ticket's department.")
    had = assigned_ids(session, ticket.id)
    if had == {user.id}:
        return None
    unassign(session, ticket.id, had - {user.id})
    assign(session, ticket.id, user.id)
    return add_message(session, ticket_id=ticket.id, body=f"{agent.name} assigned the ticket to {user.name}.")


def _to_nobody(session: Session, ticket: Ticket, agent: Agent) -> int | None:
    names = assignees_of(session, ticket.id)
    if not names:
        return None
    unassign(session, ticket.id, assigned_ids(session, ticket.id))
    text = f"{agent.name} took the ticket away from {', '.join(names)}: nobody has it now."
    return add_message(session, ticket_id=ticket.id, body=text)


def _tags(session: Session, ticket: Ticket, agent: Agent, choices: Sequence[str]) -> int | None:
    names = {tag.id: tag.name for tag in list_tags(session)}
    chosen = {row_id(each) or 0 for each in choices}
    if not chosen <= set(names):
        raise NotDoneError("one of these tags is gone.")
    if chosen == tag_ids_of(session, ticket.id):
        return None
    set_tags(session, ticket.id, chosen)
    said = ", ".join(names[each] for each in names if each in chosen) or "none"
    return add_message(session, ticket_id=ticket.id, body=f"Tags: {said}. {agent.name} set them.")


def _number(choices: Sequence[str]) -> int:
    return (row_id(choices[0]) if len(choices) == 1 else None) or 0


_CHANGES: dict[str, Callable[[Session, Ticket, Agent, Sequence[str]], int | None]] = {
    "take": _take,
    "close": _close,
    "reopen": _reopen,
    "urgent": _urgent,
    "status": _status,
    "priority": _priority,
    "assign": _assign,
    "tags": _tags,
}
_QUESTIONS: dict[str, Callable[[Session, Ticket], Menu]] = {
    "ask_assign": assign_menu,
    "ask_department": department_menu,
    "ask_tags": tags_menu,
}
_NAMED_IN_A_FILE = "Tags, users and departments are named in desk.toml."
# Where more to choose from would come from, by what is chosen.
_WHENCE = {
    "merge": "A ticket is merged into another of the same client, in departments of yours.",
    **dict.fromkeys(("assign", "department", "tags"), _NAMED_IN_A_FILE),
}
ACTIONS = frozenset({*_CHANGES, *_QUESTIONS, "ask_merge", "history", "department", "block", "unblock"})
