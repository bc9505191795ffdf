"""A form's answer, put to the action that asked for it: that one's event is stored, and is read again."""

from dataclasses import replace

from channels.base import AgentAction, Parsed, RawEvent
from models.base import row_id
from models.inbound_events import InboundEvent, event_by_id, read_payload
from models.users import user_by_account
from workers.desk.opening import OPEN_TICKET, RESUME
from workers.runtime import Runtime


def resumed(tools: Runtime, said: Parsed) -> Parsed:
    """Return what is to be done: of a form that was sent off, what its sender had asked for, with what they chose.

    Raises `Malformed`.
    """
    if not isinstance(said, AgentAction):
        return said
    if said.action == RESUME:
        return _earlier(tools, said)
    return _light(tools, said) if said.action == OPEN_TICKET else said


def _earlier(tools: Runtime, said: AgentAction) -> AgentAction:
    with tools.database.session_scope() as session:
        event = event_by_id(session, row_id(said.value) or 0)
        payload = read_payload(session, event.id) if event else b""
    actions = tools.channel(event.channel).parse(raw_event(event, payload)) if event else ()
    earlier = next((each for each in actions if isinstance(each, AgentAction) and each.actor == said.actor), None)
    return replace(earlier, choices=said.choices, answer_url=said.answer_url) if earlier else said


def raw_event(event: InboundEvent, payload: bytes) -> RawEvent:
    """Return a stored event as it came."""
    return RawEvent(
        channel=event.channel,
        external_id=event.external_id,
        conversation=event.conversation,
        payload=payload,
        facts=event.facts,
    )


def _light(tools: Runtime, said: AgentAction) -> AgentAction:
    """Leave a message's files where they are while the department is to be asked for: a form has three seconds."""
    if said.about is None or not said.about.attachments:
        return said
    with tools.database.session_scope() as session:
        user = user_by_account(session, said.actor)
        openings = tools.recorder.commands.openings
        if user is None or len(openings.candidates(session, user, said.about)) == 1:
            return said
    return replace(said, about=replace(said.about, attachments=()))
