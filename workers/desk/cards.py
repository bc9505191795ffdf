"""The card: what the agents see of a ticket at a glance, and what they can do there."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from channels.base import Automatic, Button, Choice, ExternalId, Menu, Sign, TicketCard, Verdict
from channels.registry import Registry
from models.assignments import assigned_ids, assignees_of
from models.blocks import Block, block_of
from models.clients import Client
from models.departments import Department, ReplyMode, desk_of, settings_of, staffed_departments
from models.merges import MergeKind, family_of, merged_into
from models.messages import MessageSource, last_source
from models.tags import list_tags, tag_ids_of, tags_of
from models.ticket_addresses import address_of_ticket
from models.tickets import Priority, Ticket, TicketStatus, linked_to
from models.users import User, agents_of
from models.windows import last_heard
from workers.desk.identity import spellings
from workers.desk.originals import original_buttons
from workers.outbox import AGENTS_CHANNEL

# More than these are asked for in a form, so that the card stays small.
FEW = 25
_MARKED_ONLY = "Only messages that begin with “reply:” go to the client; all others stay inside."
# The choice that takes a ticket from everybody.
NOBODY = "0"


def card_of(session: Session, channels: Registry, ticket_id: int, place: str) -> TicketCard:
    """Return a ticket as the agents who work in `place` see it now."""
    ticket = session.get_one(Ticket, ticket_id)
    department = session.get(Department, ticket.department_id) if ticket.department_id else None
    source = last_source(session, ticket_id)
    reached = source or address_of_ticket(session, ticket_id)
    block = block_of(session, client_address(channels, source)) if source else None
    asked = assign_menu(session, ticket), department_menu(session, ticket)
    worked_on_here = desk_of(session, ticket.department_id).agents_channel == place
    return TicketCard(
        ticket_id=ticket.id,
        title=ticket.title,
        client=session.get_one(Client, ticket.client_id).name,
        address=reached.sender if reached and reached.channel != AGENTS_CHANNEL else "",  # an id in Slack tells nothing
        channel=reached.channel if reached else "",
        department=department.name if department else "no department",
        status=ticket.status,
        priority=ticket.priority,
        opened_at=ticket.created_at,
        assignees=tuple(assignees_of(session, ticket_id)),
        tags=tuple(tags_of(session, ticket_id)),
        warnings=tuple(_warnings(session, ticket, source, block)),
        buttons=(*original_buttons(source), *_questions(ticket, asked)),
        menus=tuple(_menus(ticket, asked)),
        more=_more(ticket, source, block),
        note=_MARKED_ONLY if settings_of(session, ticket.department_id).reply_mode is ReplyMode.PREFIX else "",
        answer_until=_answer_until(session, channels, source),
        moved_to="" if worked_on_here or department is None else department.name,
        merged_into=merged_into(session, ticket),
        signs=_signs(session, ticket) if worked_on_here else frozenset(),
    )


def _signs(session: Session, ticket: Ticket) -> frozenset[Sign]:
    holds = {
        Sign.TAKEN: bool(assigned_ids(session, ticket.id)),
        Sign.CLOSED: ticket.status == TicketStatus.CLOSED,
        Sign.URGENT: ticket.priority == Priority.URGENT,
    }
    return frozenset(sign for sign, so in holds.items() if so)


def assign_menu(session: Session, ticket: Ticket) -> Menu:
    """Return the agents who may have a ticket now."""
    agents = [Choice(label=user.name, value=str(user.id)) for user in agents_of(session, ticket.department_id)]
    nobody = [Choice(label="Nobody", value=NOBODY)]
    return Menu(label="Assign to", action="assign", value=str(ticket.id), choices=(*agents, *nobody))


def department_menu(session: Session, ticket: Ticket) -> Menu:
    """Return the departments that a ticket can be moved to."""
    others = [each for each in staffed_departments(session) if each.id != ticket.department_id]
    choices = tuple(Choice(label=each.name, value=str(each.id)) for each in others)
    return Menu(label="Move to department", action="department", value=str(ticket.id), choices=choices)


def tags_menu(session: Session, ticket: Ticket) -> Menu:
    """Return all tags, the ticket's own as chosen."""
    return Menu(
        label="Tags",
        action="tags",
        value=str(ticket.id),
        choices=tuple(Choice(label=tag.name, value=str(tag.id)) for tag in list_tags(session)),
        chosen=tuple(str(each) for each in sorted(tag_ids_of(session, ticket.id))),
        several=True,
    )


def client_address(channels: Registry, source: MessageSource) -> ExternalId:
    """Return the address that a message came from."""
    return ExternalId(type=channels.channels[source.channel].address_type, value=source.sender)


def _menus(ticket: Ticket, asked: Sequence[Menu]) -> Iterator[Menu]:
    status = tuple(Choice(label=each.replace("_", " "), value=each) for each in TicketStatus)
    priority = tuple(Choice(label=each, value=each) for each in Priority)
    value = str(ticket.id)
    yield Menu(label="Status", action="status", value=value, choices=status, chosen=(ticket.status,))
    yield Menu(label="Priority", action="priority", value=value, choices=priority, chosen=(ticket.priority,))
    yield from (menu for menu in asked if len(menu.choices) <= FEW)


def _questions(ticket: Ticket, asked: Sequence[Menu]) -> tuple[Button, ...]:
    """Return the buttons that open a form: for tags, and for what has too many choices for a card."""
    value = str(ticket.id)
    many = [menu for menu in asked if len(menu.choices) > FEW]
    forms = [Button(label=f"{menu.label} …", action=f"ask_{menu.action}", value=value) for menu in many]
    return (*forms, Button(label="Tags …", action="ask_tags", value=value))


def _more(ticket: Ticket, source: MessageSource | None, block: Block | None) -> tuple[Button, ...]:
    value = str(ticket.id)
    history = Button(label="Client's history", action="history", value=value)
    merge = Button(label="Merge …", action="ask_merge", value=value)
    if source is None:
        return (history, merge)
    action = "block" if block is None else "unblock"
    return (history, merge, Button(label=f"{action.capitalize()} sender", action=action, value=value))


def _answer_until(session: Session, channels: Registry, source: MessageSource | None) -> datetime | None:
    within = channels.channels[source.channel].answers_within if source else None
    if source is None or within is None:
        return None
    heard = last_heard(session, source.channel, spellings(source.sender), spellings(source.recipient))
    return heard + within if heard else None


def _warnings(session: Session, ticket: Ticket, source: MessageSource | None, block: Block | None) -> Iterator[str]:
    if block is not None:
        by, since = session.get_one(User, block.user_id).name, f"{block.created_at:%d %b %Y}"
        aside = "1 message was" if block.set_aside == 1 else f"{block.set_aside} messages were"
        yield f"The sender was blocked by {by} on {since}. {aside} set aside since."
    if source is not None:
        yield from _doubts(source)
    linked = linked_to(session, family_of(session, MergeKind.TICKET, ticket.id))
    if linked:
        yield f"See also {', '.join(f'#{each}' for each in linked)}."


def _doubts(source: MessageSource) -> Iterator[str]:
    if source.authenticated == Verdict.FAIL:
        yield "The sender failed authentication: this may not be who it says."
    if source.reply_to not in {"", source.sender}:
        yield f"The sender asks for answers to {source.reply_to}. Answers go to the address they wrote from."
    if source.automatic != Automatic.NO:
        yield "Sent by a machine."
