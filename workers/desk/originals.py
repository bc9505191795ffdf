"""The original of a client's message: what agents see when they ask for what was cut."""

from sqlalchemy.orm import Session

from channels.base import Attachment, Button
from channels.email.original import as_file
from models.inbound_events import read_payload
from models.messages import MessageSource, source_of

ACTION = "original"


def original_buttons(source: MessageSource | None) -> tuple[Button, ...]:
    """Return the button that shows a message's original, where the message is less than that."""
    if source is None or not source.cut_by:
        return ()
    return (Button(label="Show original", action=ACTION, value=str(source.message_id)),)


def original_of(session: Session, message_id: int) -> Attachment | None:
    """Return a client's mail as a text file; `None` for what was no mail, or is kept no more. Raises `Malformed`."""
    source = source_of(session, message_id)
    payload = read_payload(session, source.inbound_event_id) if source and source.channel == "email" else b""
    return as_file(payload) if payload else None
