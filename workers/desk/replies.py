"""What agents write in a ticket's thread: an answer to the client, or a note that stays inside."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import ExternalId, InboundMessage, Profile, clean_text
from models.attachments import StoredFile, add_attachments
from models.departments import Desk, ReplyMode, desk_of, settings_of
from models.merges import lock_standing
from models.messages import add_message, name_message
from models.notes import add_note
from models.tickets import Ticket, ticket_by_external_id, ticket_by_id
from workers.desk import lifecycle
from workers.desk.files import why_not_sent
from workers.desk.identity import Agent, Refusal, agent_for
from workers.desk.outcome import ALREADY_RECORDED, IgnoredError, Outcome, answered, ignored
from workers.logs import get_logger
from workers.outbox import AGENTS_THREAD, Outbox, Shown

log = get_logger()

MOVED = "Nothing was sent: this ticket is worked on in another department now. Write in its thread there."
# Before the mark may stand what begins a line of a list or a quote: bullets, `1.`, `a)`, brackets, an emoji.
_NOTE = re.compile(r"(?:[\W\d]|[a-z][.)]|:[a-z][a-z0-9+'-]*:)*?(?:note\W*?:|🔒|:lock:)")
_REPLY_MARK = re.compile(r"[\s*_~>`]*reply\s*:[\s*_~`]*", re.IGNORECASE)
# What may stand around a mark without changing what the agent meant by it: Slack's formatting, and the invisible.
_DECORATION = re.compile("[\\s*_~>`\u200b-\u200f\u2060-\u2064\ufeff]+")
_WHERE_MARKS_STAND = 200


def reply_text(body: str, mentions: Sequence[ExternalId], mode: ReplyMode) -> str | None:
    """Return what of an agent's message goes to the client, `None` when all of it is a note.

    A message that begins with a note mark or names a colleague never leaves, whatever the mode.
    """
    if mentions or _is_note(body):
        return None
    if mark := _REPLY_MARK.match(body):
        rest = body[mark.end() :]
        return None if _is_note(rest) else rest.strip()
    return body.strip() if mode is ReplyMode.THREAD else None


def _is_note(text: str) -> bool:
    beginning = unicodedata.normalize("NFKC", text[:_WHERE_MARKS_STAND])
    return _NOTE.match(_DECORATION.sub("", beginning).lower()) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """Records what agents write, in Slack or at the command line."""

    outbox: Outbox

    def record(
        self,
        session: Session,
        said: InboundMessage,
        profile: Profile | None,
        desk: Desk,
        files: Sequence[StoredFile],
    ) -> Outcome:
        """Record a message in an agents' channel. Talk outside of tickets' threads is none of ours."""
        named = _ticket_of(session, said)
        ticket = lock_standing(session, named.id) if named else None
        if named is None or ticket is None:
            return ignored("not in a ticket's thread")
        # A merged ticket's thread is its own department's, and speaks for the ticket that it was merged into.
        if desk.department_id not in {named.department_id, ticket.department_id}:
            self.outbox.tell(session, ticket, MOVED, desk=desk)
            return Outcome()
        agent = agent_for(session, said.sender, profile, ticket.department_id)
        if isinstance(agent, Refusal):
            log.warning("reply_refused", ticket_id=ticket.id, reason=agent.name)
            return answered(said, f"Nothing was sent to the client: your account {agent}.")
        text = _goes_out(said, settings_of(session, ticket.department_id).reply_mode)
        if text is None or not (text or files):
            add_note(session, ticket_id=ticket.id, user_id=agent.user_id, body=clean_text(said.body))
            log.info("note_recorded", ticket_id=ticket.id)
            return Outcome()
        if reason := why_not_sent(files):
            self.outbox.tell(session, ticket, f"Nothing was sent: {reason}.")
            return Outcome()
        message_id = add_message(session, ticket_id=ticket.id, body=clean_text(text), user_id=agent.user_id)
        if said.external_id is not None and not name_message(session, message_id, said.external_id):
            raise IgnoredError(ALREADY_RECORDED)
        add_attachments(session, message_id, files)
        self._send(session, ticket, desk, message_id, text, agent, hold=True)
        return Outcome()

    def heard(
        self, session: Session, ticket: Ticket, agent: Agent, said: InboundMessage, files: Sequence[StoredFile]
    ) -> None:
        """Record an answer that the client has read where it was written; the agents' thread shows it."""
        message_id = add_message(session, ticket_id=ticket.id, body=clean_text(said.body), user_id=agent.user_id)
        if said.external_id is not None and not name_message(session, message_id, said.external_id):
            raise IgnoredError(ALREADY_RECORDED)
        add_attachments(session, message_id, files)
        desk = desk_of(session, ticket.department_id)
        has_files = any(file.storage_key for file in files)
        self.outbox.show(session, ticket, desk, Shown(message_id=message_id, body=said.body, files=has_files))
        self._answered(session, ticket, desk, message_id, agent)

    def write(self, session: Session, ticket: Ticket, *, user_id: int, name: str, text: str) -> int:
        """Answer a client from outside of Slack; the answer is shown in the agents' thread too."""
        text = clean_text(text)
        message_id = add_message(session, ticket_id=ticket.id, body=text, user_id=user_id)
        desk = desk_of(session, ticket.department_id)
        self.outbox.show(session, ticket, desk, Shown(message_id=message_id, body=text))
        self._send(session, ticket, desk, message_id, text, Agent(user_id=user_id, name=name), hold=False)
        return message_id

    def _send(  # noqa: PLR0913 (the end of both ways to answer)
        self, session: Session, ticket: Ticket, desk: Desk, message_id: int, text: str, agent: Agent, *, hold: bool
    ) -> None:
        plan = self.outbox.send_to_client(session, ticket, message_id, text, hold=hold)
        if plan is None:
            self.outbox.tell(session, ticket, "The answer was not sent: the client of this ticket has no address.")
            return
        for remark in plan.remarks:
            self.outbox.tell(session, ticket, remark)
        self.outbox.mark(session, ticket.id, message_id, desk)
        self._answered(session, ticket, desk, message_id, agent)

    def _answered(self, session: Session, ticket: Ticket, desk: Desk, message_id: int, agent: Agent) -> None:
        before = ticket.status
        lifecycle.agent_answered(session, ticket, agent.name)
        if ticket.status != before:
            self.outbox.renew_card(session, ticket)
        if settings_of(session, ticket.department_id).assign_first_answer:
            self._first_answer(session, ticket, desk, message_id, agent)
        log.info("reply_recorded", ticket_id=ticket.id, message_id=message_id)

    def _first_answer(self, session: Session, ticket: Ticket, desk: Desk, message_id: int, agent: Agent) -> None:
        told = lifecycle.first_answer(session, ticket, message_id, agent.user_id, agent.name)
        if told is not None:
            self.outbox.show(session, ticket, desk, Shown(message_id=told), card=True)


def _goes_out(said: InboundMessage, mode: ReplyMode) -> str | None:
    """Return what of a message goes to the client; one that began as a note stays one, whatever it was edited to."""
    if said.before is not None and reply_text(said.before, (), mode) is None:
        return None
    return reply_text(said.body, said.mentions, mode)


def _ticket_of(session: Session, said: InboundMessage) -> Ticket | None:
    for reference in said.references:
        ticket_id = ticket_by_external_id(session, ExternalId(type=AGENTS_THREAD, value=reference.value))
        if ticket_id is not None:
            return ticket_by_id(session, ticket_id)
    return None
