"""`frontdesk events`: what arrived, what could not be read, and trying it again."""

import sys

import click
from sqlalchemy.orm import Session

from models.attachments import holds_files_back
from models.inbound_events import SET_ASIDE, EventStatus, InboundEvent, list_events, read_payload, replay_event
from workers.cli.numbers import RowNumber, limit
from workers.cli.output import as_json, show
from workers.db import Wakeup, enqueue
from workers.runtime import runtime

_NOT_DONE = (EventStatus.PENDING, EventStatus.PROCESSING, EventStatus.FAILED)


@click.group()
def events() -> None:
    """List, read and replay what arrived at the doors."""


@events.command("list")
@click.option("--status", "statuses", multiple=True, type=click.Choice([str(each) for each in EventStatus]))
@limit
@as_json
def list_(*, statuses: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List events, newest first: those not done, unless --status says otherwise."""
    wanted = tuple(EventStatus(each) for each in statuses) or _NOT_DONE
    with runtime().database.session_scope() as session:
        rows = [
            {
                "id": event.id,
                "channel": event.channel,
                "status": event.status,
                "attempts": event.attempts,
                "reason": event.error,
                "arrived": event.created_at,
            }
            for event in list_events(session, wanted, limit)
        ]
    show(rows, as_json=as_json, empty="nothing is waiting or set aside")


@events.command("show")
@click.argument("event_id", type=RowNumber("event"))
def show_(event_id: int) -> None:
    """Print the bytes of an event just as they arrived."""
    with runtime().database.session_scope() as session:
        if session.get(InboundEvent, event_id) is None:
            raise click.ClickException(f"there is no event {event_id}")
        payload = read_payload(session, event_id)
    sys.stdout.buffer.write(payload)


@events.command()
@click.argument("event_ids", type=RowNumber("event"), nargs=-1, required=True)
def replay(event_ids: tuple[int, ...]) -> None:
    """Work through events again: after a fix, or when in doubt. Never adds twice.

    Those that were set aside or ignored, and those whose files the virus scanner held back.
    """
    with runtime().database.session_scope() as session:
        for event_id in event_ids:
            if session.get(InboundEvent, event_id) is None:
                click.echo(f"event {event_id}: there is none")
                continue
            channel = replay_event(session, event_id, _replayable(session, event_id))
            if channel is None:
                click.echo(f"event {event_id}: not replayed, it is neither failed nor ignored, nor is a file held back")
                continue
            enqueue(session, Wakeup(task="inbound.ingest", channel=channel, row_id=event_id))
            click.echo(f"event {event_id}: will be worked through again")


def _replayable(session: Session, event_id: int) -> tuple[EventStatus, ...]:
    """Return the statuses in which an event may be opened again; what is done, only for files that were held back."""
    return (*SET_ASIDE, EventStatus.PROCESSED) if holds_files_back(session, event_id) else SET_ASIDE
