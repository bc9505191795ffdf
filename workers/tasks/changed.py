"""What was changed before it was recorded: Slack repeats a call that failed, and that of the change came first."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from channels.base import AgentAction, ExternalId, InboundMessage, Parsed
from models.changes import changes_of
from models.inbound_events import read_payload
from workers.desk.outcome import IgnoredError
from workers.outbox import AGENTS_CHANNEL
from workers.runtime import Runtime
from workers.tasks.resuming import raw_event

DELETED = "deleted before this came"
EDITED = "edited again before this came"
_NEVER = datetime.min.replace(tzinfo=UTC)


def as_left(tools: Runtime, channel: str, said: Parsed) -> Parsed:
    """Return a message as its author has left it, whatever came first; mail and texts cannot be changed.

    Raises `IgnoredError` for a message that is deleted, and for an edit that a later one has replaced, and `Malformed`.
    """
    if channel != AGENTS_CHANNEL:
        return said
    if isinstance(said, InboundMessage) and said.external_id is not None:
        edit = _last_edit(tools, said.external_id)
        return _edited(said, edit) if edit and _older(said, edit) else said
    if isinstance(said, AgentAction) and said.action == "edit" and said.message is not None:
        edit = _last_edit(tools, said.message)
        if edit and said.edited_at and _older(said, edit):
            raise IgnoredError(EDITED)
    return said


def _last_edit(tools: Runtime, message: ExternalId) -> AgentAction | None:
    changes = list(_changes(tools, message))
    if any(each.action == "delete" for each in changes):
        raise IgnoredError(DELETED)
    # Slack writes whole seconds; of two edits in one the newer stands first, and `max` takes that.
    return max(changes, key=_edited_at, default=None)


def _changes(tools: Runtime, message: ExternalId) -> Iterator[AgentAction]:
    """Yield the edits and deletions of a message that came before it, the newest first."""
    with tools.database.session_scope() as session:
        events = changes_of(session, AGENTS_CHANNEL, message.value)
        stored = [raw_event(each, read_payload(session, each.id)) for each in events]
    for raw in stored:
        parsed = tools.channel(raw.channel).parse(raw)
        yield from (each for each in parsed if isinstance(each, AgentAction) and each.message == message)


def _older(said: InboundMessage | AgentAction, edit: AgentAction) -> bool:
    return said.edited_at is None or said.edited_at < _edited_at(edit)


def _edited_at(edit: AgentAction) -> datetime:
    return edit.edited_at or _NEVER


def _edited(said: InboundMessage, edit: AgentAction) -> InboundMessage:
    files = tuple(each for each in said.attachments if each.content_id in edit.files)
    named = (*said.mentions, *edit.mentions)
    return replace(said, body=edit.value, before=said.body, mentions=named, attachments=files)
