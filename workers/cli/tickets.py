"""`frontdesk tickets`: read, answer, close and merge tickets without Slack."""

import click
from sqlalchemy.orm import Session

from channels.base import clean_text
from models.attachments import attachments_of
from models.clients import Client
from models.deliveries import deliveries_of
from models.departments import desk_of
from models.merges import merged_into
from models.messages import Message, messages_of, source_of
from models.notes import Note, notes_of
from models.tickets import Ticket, TicketStatus, list_tickets, lock_ticket
from models.users import User, works_in
from workers.cli.numbers import RowNumber, limit
from workers.cli.output import as_json, show
from workers.cli.people import refusals, user_of
from workers.desk import lifecycle
from workers.desk.files import with_mark
from workers.desk.originals import original_of
from workers.outbox import Shown
from workers.runtime import runtime

_OPEN = (TicketStatus.OPEN, TicketStatus.WAITING_FOR_AGENT, TicketStatus.WAITING_FOR_USER)


@click.group()
def tickets() -> None:
    """List, read, answer, close and merge tickets."""


@tickets.command("list")
@click.option("--all", "everything", is_flag=True, help="Ended tickets too.")
@limit
@as_json
def list_(*, everything: bool, limit: int, as_json: bool) -> None:
    """List tickets, the longest untouched first."""
    with runtime().database.session_scope() as session:
        rows = [
            {
                "id": ticket.id,
                "status": ticket.status,
                "title": ticket.title,
                "client": client,
                "department": department,
                "priority": ticket.priority,
                "updated": ticket.updated_at,
            }
            for ticket, client, department in list_tickets(session, tuple(TicketStatus) if everything else _OPEN, limit)
        ]
    show(rows, as_json=as_json, empty="no tickets: they open when a client writes")


@tickets.command("show")
@click.argument("ticket_id", type=RowNumber("ticket"))
@as_json
def show_(ticket_id: int, *, as_json: bool) -> None:
    """Show a ticket with its messages, notes and what became of each answer."""
    with runtime().database.session_scope() as session:
        ticket = _ticket(session, ticket_id)
        messages = [_message_row(session, message) for message in messages_of(session, ticket.id)]
        notes = [_note_row(session, note) for note in notes_of(session, ticket.id)]
        client = session.get_one(Client, ticket.client_id)
        heading = f"#{ticket.id} {ticket.title} · {ticket.status} · {client.name} (client {client.id})"
    if not as_json:
        click.secho(heading, bold=True)
    show([*messages, *notes], as_json=as_json, empty="no messages")


@tickets.command()
@click.argument("message_id", type=RowNumber("message"))
def original(message_id: int) -> None:
    """Print the whole of a client's mail as text; `tickets show` has the ids of messages."""
    with runtime().database.session_scope() as session:
        file = original_of(session, message_id)
    if file is None:
        raise click.ClickException(f"of message {message_id} no original is kept: it was no mail, or there is none")
    click.echo(file.content().decode())


def _message_row(session: Session, message: Message) -> dict[str, object]:
    source = source_of(session, message.id)
    sends = [each.status for each in deliveries_of(session, message.id)]
    return {
        "id": message.id,
        "from": _author(session, message),
        "channel": source.channel if source else None,
        "threaded_by": source.threaded_by if source else None,
        "text": message.body,
        "files": ", ".join(with_mark(file) for file in attachments_of(session, message.id)) or None,
        "delivery": ", ".join(sends) or None,
        "at": message.created_at,
    }


def _note_row(session: Session, note: Note) -> dict[str, object]:
    return {
        "id": f"note {note.id}",
        "from": session.get_one(User, note.user_id).name,
        "channel": None,
        "threaded_by": None,
        "text": note.body,
        "files": None,
        "delivery": "stays inside",
        "at": note.created_at,
    }


def _author(session: Session, message: Message) -> str:
    if message.client_id is not None:
        return session.get_one(Client, message.client_id).name
    return session.get_one(User, message.user_id).name if message.user_id is not None else "system"


@tickets.command()
@click.argument("ticket_id", type=RowNumber("ticket"))
@click.argument("text")
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user who answers.")
def reply(ticket_id: int, text: str, email: str) -> None:
    """Send TEXT to the client of a ticket, on the channel they wrote from last."""
    if not clean_text(text).strip():
        raise click.ClickException("there is nothing to send: the text is empty")
    tools = runtime()
    with tools.database.session_scope() as session:
        ticket = _standing(session, ticket_id)
        user = _agent(session, email, ticket)
        message_id = tools.recorder.replies.write(session, ticket, user_id=user.id, name=user.name, text=text)
    click.echo(f"message {message_id} is on its way: `frontdesk tickets show {ticket_id}` says what became of it")


@tickets.command()
@click.argument("ticket_id", type=RowNumber("ticket"))
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user who closes it.")
@click.option("--unresolved", is_flag=True, help="Given up rather than solved.")
def close(ticket_id: int, email: str, *, unresolved: bool) -> None:
    """Close a ticket. The client's next message within the reopen window opens it again."""
    tools = runtime()
    status = TicketStatus.UNRESOLVED if unresolved else TicketStatus.CLOSED
    with tools.database.session_scope() as session:
        ticket = _standing(session, ticket_id)
        user = _agent(session, email, ticket)
        told = lifecycle.move(session, ticket, status, f"{user.name} closed the ticket")
        if told is not None:
            desk = desk_of(session, ticket.department_id)
            tools.outbox.show(session, ticket, desk, Shown(message_id=told), card=True)
    click.echo(f"ticket {ticket_id} is {status}")


@tickets.command()
@click.argument("kept_id", metavar="A", type=RowNumber("ticket"))
@click.argument("merged_id", metavar="B", type=RowNumber("ticket"))
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user who merges them.")
def merge(kept_id: int, merged_id: int, email: str) -> None:
    """Put ticket B into ticket A of the same client. `frontdesk clients undo` takes a merge back."""
    tools = runtime()
    with tools.database.session_scope() as session, refusals():
        made = tools.merging.merge_tickets(session, kept_id, merged_id, user_of(session, email))
    click.echo(f"merge {made.id}: ticket {made.merged_id} is part of ticket {made.kept_id} now")


def _standing(session: Session, ticket_id: int) -> Ticket:
    ticket = _ticket(session, ticket_id)
    if (other := merged_into(session, ticket)) is not None:
        raise click.ClickException(f"ticket {ticket_id} was merged into ticket {other}")
    return ticket


def _ticket(session: Session, ticket_id: int) -> Ticket:
    ticket = lock_ticket(session, ticket_id)
    if ticket is None:
        raise click.ClickException(f"there is no ticket {ticket_id}: `frontdesk tickets list --all` shows them")
    return ticket


def _agent(session: Session, email: str, ticket: Ticket) -> User:
    user = user_of(session, email)
    if not works_in(session, user, ticket.department_id):
        raise click.ClickException(f"{email} is not an agent of this ticket's department")
    return user
