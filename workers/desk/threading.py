"""Which ticket a client's message belongs to: the first rule that fits, by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from channels.base import Consent, ExternalId, InboundMessage, Verdict
from channels.email import tokens
from models.base import now, row_id
from models.merges import MergeKind, family_of, lock_standing
from models.messages import messages_named
from models.talks import lock_talk, recent_talk
from models.tickets import Ticket, name_ticket, open_conversation, ticket_by_external_id, ticket_by_id
from workers.desk.identity import spellings
from workers.desk.thanks import only_thanks

_EVER = datetime.min.replace(tzinfo=UTC)


class Rule(StrEnum):
    """The rule by which a message found its ticket, as stored in `message_sources.threaded_by`."""

    REPLY_TOKEN = "reply_token"  # noqa: S105 (the name of a rule, not a secret)
    REFERENCE = "reference"
    SUBJECT_TAG = "subject_tag"
    THREAD = "thread"  # of another client's ticket, in a channel whose members read each other
    OPEN_CONVERSATION = "open_conversation"
    FOLLOW_UP = "follow_up"
    THANKS = "thanks"  # for a ticket that has ended, and stays so; any of the others led there
    NEW_TICKET = "new_ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threaded:
    """The ticket found, or none; `linked_to` is one that the new ticket came of."""

    rule: Rule
    ticket: Ticket | None = None
    linked_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pointer:
    """A ticket that a message points at; a token's proof is checked against the ticket."""

    rule: Rule
    ticket_id: int
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threading:
    """The rules, with the secret that signs reply tokens and how long a closed ticket can be reopened.

    `grouping` is how long what a person says in a channel that others write in too goes on with what they said before.
    """

    secret: bytes = field(repr=False)
    reopen_window: timedelta
    grouping: timedelta

    def find(self, session: Session, message: InboundMessage, client_id: int, channel: str) -> Threaded:
        """Return where a message of this client belongs; only the row of the ticket it joins is locked.

        A reference or token counts only when the ticket's client is the sender: of another's only a link remains, and
        of a forged token or a subject tag of another's ticket nothing. Who failed authentication is taken for another,
        unless they carry the token, which only the client was given. A Slack thread is its ticket whoever writes there:
        they read what is answered there in any case.
        """
        if (threaded := self._in_thread(session, message, client_id)) is not None:
            return threaded
        stranger_to: int | None = None
        for pointer in _pointers(session, message.references):
            if _believed(pointer, message) and self._proven(session, pointer, client_id):
                ticket = lock_standing(session, pointer.ticket_id, of_client=client_id)
                if ticket is not None:
                    return self._joined(pointer.rule, ticket, self._since(message))
            if pointer.rule is not Rule.SUBJECT_TAG and stranger_to is None:
                stranger_to = self._pointed_at(session, pointer, client_id)
        return self._going_on(session, message, client_id, channel) or Threaded(
            rule=Rule.NEW_TICKET, linked_to=stranger_to
        )

    def _in_thread(self, session: Session, message: InboundMessage, client_id: int) -> Threaded | None:
        ticket = thread_ticket(session, message)
        if ticket is None:
            return None
        rule = Rule.REFERENCE if ticket.client_id == client_id else Rule.THREAD
        return self._joined(rule, ticket, self._since(message))

    def _pointed_at(self, session: Session, pointer: _Pointer, client_id: int) -> int | None:
        ticket = ticket_by_id(session, pointer.ticket_id)
        if ticket is None or (pointer.token and ticket.client_id == client_id):  # their own, with a forged token
            return None
        return ticket.id if self._proven(session, pointer, ticket.client_id) else None

    def _proven(self, session: Session, pointer: _Pointer, client_id: int) -> bool:
        """Check a token against a client, and against those merged into them since it was made."""
        if not pointer.token or tokens.valid(self.secret, pointer.token, pointer.ticket_id, client_id):
            return True
        clients = family_of(session, MergeKind.CLIENT, client_id)
        return any(tokens.valid(self.secret, pointer.token, pointer.ticket_id, each) for each in clients)

    def _since(self, message: InboundMessage) -> datetime:
        """Return since when a ticket may be closed to be joined; by what opens nothing, whenever it was."""
        opens_nothing = message.consent is Consent.WITHDRAWN or only_thanks(message)
        return _EVER if opens_nothing else now() - self.reopen_window

    def _joined(self, rule: Rule, ticket: Ticket, closed_since: datetime) -> Threaded:
        if ticket.closed_at is not None and ticket.closed_at < closed_since:
            return Threaded(rule=Rule.NEW_TICKET, linked_to=ticket.id)
        return Threaded(rule=rule, ticket=ticket)

    def _going_on(self, session: Session, message: InboundMessage, client_id: int, channel: str) -> Threaded | None:
        if message.beside:
            return self._follow_up(session, message, client_id, channel)
        if not message.direct or not message.recipients:
            return None
        ticket = open_conversation(
            session,
            client_id=client_id,
            channel=channel,
            addresses=spellings(message.recipients[0].value),
            closed_since=self._since(message),
        )
        # A merge that this waited for may have taken the conversation elsewhere.
        standing = lock_standing(session, ticket.id) if ticket else None
        return Threaded(rule=Rule.OPEN_CONVERSATION, ticket=standing) if standing else None

    def _follow_up(self, session: Session, message: InboundMessage, client_id: int, channel: str) -> Threaded | None:
        """Go on with what the client said here a moment ago; mere thanks go further back, and open no ticket."""
        address, said_at = message.recipients[0].value, message.sent_at or now()
        back = self.reopen_window if only_thanks(message) else self.grouping
        lock_talk(session, client_id, address)
        # Later ones too: what was said in a channel is not always recorded in the order in which it was said.
        between = (said_at - back, said_at + self.grouping)
        recent = recent_talk(session, client_id=client_id, channel=channel, address=address, between=between)
        ticket = lock_standing(session, recent, of_client=client_id) if recent else None
        return self._joined(Rule.FOLLOW_UP, ticket, self._since(message)) if ticket else None


def _believed(pointer: _Pointer, message: InboundMessage) -> bool:
    return bool(pointer.token) or message.authenticated is not Verdict.FAIL


def _pointers(session: Session, references: Sequence[ExternalId]) -> Iterator[_Pointer]:
    """Return what a message points at, best rule first."""
    for each in references:
        if each.type == "reply_token" and (ticket_id := row_id(each.value.partition(".")[0])):
            yield _Pointer(rule=Rule.REPLY_TOKEN, ticket_id=ticket_id, token=each.value)
    elsewhere = [each for each in references if each.type not in {"reply_token", "subject_tag", "slack"}]
    for ticket_id in _referred(session, elsewhere):
        yield _Pointer(rule=Rule.REFERENCE, ticket_id=ticket_id)
    for each in references:
        if each.type == "subject_tag" and (ticket_id := row_id(each.value)):
            yield _Pointer(rule=Rule.SUBJECT_TAG, ticket_id=ticket_id)


def thread_ticket(session: Session, message: InboundMessage) -> Ticket | None:
    """Return the ticket of the Slack thread in which a message was said, locked.

    The thread decides before its first message does: it may have gone on to a newer ticket. One that begins at a later
    message of a ticket is noted as that ticket's too.
    """
    thread = next((each for each in message.references if each.type == "slack"), None)
    if thread is None:
        return None
    if (known := ticket_by_external_id(session, thread)) is not None:
        return lock_standing(session, known)
    ticket = next((lock_standing(session, each) for each in _referred(session, [thread])), None)
    if ticket is not None:
        name_ticket(session, ticket.id, thread)
    return ticket


def _referred(session: Session, references: Sequence[ExternalId]) -> list[int]:
    """Return the tickets of known messages, in the order referred to."""
    messages = messages_named(session, references)
    return list(dict.fromkeys(messages[each].ticket_id for each in references if each in messages))
