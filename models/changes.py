"""Edits and deletions among what arrived, by the message that they are about: the door notes it as `changes`."""

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.orm import Session

from models.inbound_events import OPEN, InboundEvent

# Written as in the index.
_changed: ColumnElement[str] = literal_column("(inbound_events.facts ->> 'changes')")


def changes_of(session: Session, channel: str, message: str) -> list[InboundEvent]:
    """Return the edits and deletions of a message that have had their turn, newest first, without their bytes.

    Of those that are open, each comes after what is being recorded of the same conversation.
    """
    had_their_turn = InboundEvent.status.not_in(OPEN)
    return list(
        session.scalars(
            select(InboundEvent)
            .where(_changed == message, InboundEvent.channel == channel, had_their_turn)
            .order_by(InboundEvent.id.desc())
        )
    )
