"""What came of a send, written into its row, and what follows: marks, words to the agents, another try."""

import math
import random
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from channels.base import ExternalId
from channels.errors import SendError, Stopped, TryLater, Unclear, Undeliverable, WindowClosed
from models.base import now
from models.belongings import lock_names
from models.deliveries import ONCE, PART_BEFORE, DeliveryStatus, Purpose, lock_deliveries_to_client
from models.delivery_claims import ClaimedDelivery, record_outcome
from models.departments import desk_of
from models.merges import standing_ticket
from models.messages import Message, name_message
from models.suppressions import SuppressionReason, suppress
from models.tickets import Ticket, name_ticket
from workers.db import Wakeup, enqueue
from workers.desk import lifecycle
from workers.desk.reports import not_delivered, said_so
from workers.desk.window import held_text, opened_since
from workers.logs import get_logger
from workers.outbox import AGENTS_THREAD
from workers.runtime import Runtime
from workers.tasks import pacing
from workers.tasks.pacing import GIVE_UP_AFTER

log = get_logger()

LONGEST_BACKOFF = 900.0
# Each of which a worker may have died of: then a person decides.
MOST_LOOKS = 8

_UNCONFIRMED = (
    "It is not known whether this message reached the client: the provider did not answer and shows no trace of it. "
    "Send it again only if the client has not got it."
)
_UNCONFIRMED_MAIL = (
    "It is not known whether this message reached the client: the connection broke off while it was handed over, and "
    "of mail there is no list to look in. It may well have arrived: ask the client before you send it again."
)


def sent(tools: Runtime, claimed: ClaimedDelivery, name: ExternalId | None) -> None:
    """Record a send. Raises `Unclear`, and records nothing, when another message took what was found for this one."""
    with tools.database.session_scope() as session:
        ours = record_outcome(
            session, claimed, DeliveryStatus.SENT, external_id=name.value if name else None, sent_at=now()
        )
        named = name is None or _note_name(session, claimed, name)
        if ours and claimed.look_up and not named:
            raise Unclear("what was found is another message's by now")
        pacing.went_through(tools, session, claimed)
        if claimed.to_client:
            _renew_mark(tools, session, claimed)
    log.info("delivery_sent", delivery_id=claimed.id, purpose=str(claimed.purpose), recorded=ours)


def not_sent(tools: Runtime, claimed: ClaimedDelivery, error: SendError, begun: datetime) -> None:
    """Record why a send that was begun then did not end in a provider's yes, and what comes next."""
    if isinstance(error, TryLater):
        _later(tools, claimed, error)
        if isinstance(error, Stopped) and claimed.attempts == 1:
            _tell_stopped(tools, claimed, error)
    elif isinstance(error, Undeliverable) and claimed.purpose is Purpose.CARD:
        # Without it nobody sees the ticket, and what stands behind it cannot be shown.
        log.error("card_refused", delivery_id=claimed.id, code=error.code)
        _later(tools, claimed, TryLater(str(error), retry_after=LONGEST_BACKOFF))
    elif isinstance(error, Undeliverable):
        _failed(tools, claimed, error)
    elif isinstance(error, WindowClosed):
        _held(tools, claimed, error, begun)
    elif isinstance(error, Unclear):
        _unclear(tools, claimed, error)


def _note_name(session: Session, claimed: ClaimedDelivery, name: ExternalId) -> bool:
    """Keep the provider's id; false when another message has it, which the unique key of the names decides."""
    if claimed.purpose is Purpose.CARD:
        name_ticket(session, claimed.ticket_id, ExternalId(type=AGENTS_THREAD, value=name.value))
    elif claimed.message_id is not None:
        return name_message(session, claimed.message_id, name)
    return True


def _renew_mark(tools: Runtime, session: Session, claimed: ClaimedDelivery) -> None:
    if claimed.purpose is Purpose.ACKNOWLEDGEMENT:  # no agent's message, so there is nothing to mark
        return
    ticket = _ticket(session, claimed)
    desk = desk_of(session, ticket.department_id)
    tools.outbox.mark(session, ticket.id, claimed.message_id or 0, desk)


def _ticket(session: Session, claimed: ClaimedDelivery) -> Ticket:
    """Return the ticket whose agents a send concerns now."""
    return standing_ticket(session, claimed.ticket_id) or session.get_one(Ticket, claimed.ticket_id)


def _later(tools: Runtime, claimed: ClaimedDelivery, error: TryLater, *, certainly_not_sent: bool = False) -> None:
    """Give a send back: the provider's wish counts, else a doubling wait with jitter."""
    if pacing.tried_long_enough(claimed, error):
        _failed(tools, claimed, Undeliverable(f"given up after {GIVE_UP_AFTER}: {error}"))
        return
    backoff = min(2.0**claimed.attempts, LONGEST_BACKOFF) * random.uniform(0.5, 1.5)  # noqa: S311 (jitter is no secret)
    delay = error.retry_after if error.retry_after is not None else backoff
    if claimed.look_up and not certainly_not_sent:
        # A look that the provider did not answer was none.
        looks = max(0, claimed.lookups - 1)
        _reschedule(tools, claimed, DeliveryStatus.UNCLEAR, delay, error, lookups=looks)
    else:
        _reschedule(tools, claimed, DeliveryStatus.PENDING, delay, error, lookups=0)


def _unclear(tools: Runtime, claimed: ClaimedDelivery, error: Unclear) -> None:
    """Look again while there is a look left; then absence is proof, or the agents are asked."""
    lookup = tools.channel(claimed.channel).lookup
    if claimed.lookups > MOST_LOOKS:
        _unconfirmed(tools, claimed)
    elif claimed.lookups < len(lookup.delays):
        _reschedule(tools, claimed, DeliveryStatus.UNCLEAR, lookup.delays[claimed.lookups], error)
    elif lookup.absence_is_proof or claimed.purpose not in ONCE:
        _later(tools, claimed, TryLater("the provider did not answer"), certainly_not_sent=True)
    else:
        _unconfirmed(tools, claimed)


def _reschedule(
    tools: Runtime, claimed: ClaimedDelivery, status: DeliveryStatus, delay: float, error: SendError, **values: object
) -> None:
    with tools.database.session_scope() as session:
        due = now() + timedelta(seconds=delay)
        if record_outcome(session, claimed, status, next_attempt_at=due, error_text=str(error), **values):
            delay = pacing.refused(tools, session, claimed, error, delay)
            enqueue(
                session,
                Wakeup(task="outbound.deliver", channel=claimed.channel, row_id=claimed.id, delay=math.ceil(delay)),
            )
    log.info("delivery_postponed", delivery_id=claimed.id, status=str(status), seconds=round(delay, 1))


def _held(tools: Runtime, claimed: ClaimedDelivery, error: WindowClosed, begun: datetime) -> None:
    """Keep an answer until the client writes, and offer what may be sent meanwhile: once for all parts of it."""
    reason = str(error)
    with tools.database.session_scope() as session:
        # Whoever records what the client writes holds their names too: neither misses the other.
        lock_names(session, session.get_one(Ticket, claimed.ticket_id).client_id)
        sends = lock_deliveries_to_client(session, claimed.message_id or 0)
        if opened_since(session, claimed, error, begun):
            again = Wakeup(task="outbound.deliver", channel=claimed.channel, row_id=claimed.id, delay=1)
            if record_outcome(session, claimed, DeliveryStatus.PENDING, next_attempt_at=now() + timedelta(seconds=1)):
                enqueue(session, again)
            return
        if not record_outcome(
            session, claimed, DeliveryStatus.HELD, error_code="window_closed", error_text=reason, external_id=None
        ):
            return
        if not any(each.status == DeliveryStatus.HELD for each in sends):
            _tell(tools, session, claimed, held_text(claimed.channel, reason))
    log.info("delivery_held", delivery_id=claimed.id, channel=claimed.channel)


def _tell_stopped(tools: Runtime, claimed: ClaimedDelivery, error: Stopped) -> None:
    """Say once in the thread that an answer waits for an operator, with another way if there is one."""
    if not claimed.to_client or pacing.tried_long_enough(claimed, error):
        return
    with tools.database.session_scope() as session:
        _tell(tools, session, claimed, f"Not sent yet, an operator must act first. {error}")


def _failed(tools: Runtime, claimed: ClaimedDelivery, error: Undeliverable) -> None:
    if claimed.purpose is Purpose.RECEIPT:
        _nothing_to_mark(tools, claimed)
        return
    reason = str(error)
    with tools.database.session_scope() as session:
        if not record_outcome(
            session, claimed, DeliveryStatus.FAILED, error_code=error.code or None, error_text=reason
        ):
            return
        if not claimed.to_client:
            _tell_not_shown(tools, session, claimed)
        else:
            if error.code == PART_BEFORE:  # of the part itself the agents were told
                _renew_mark(tools, session, claimed)
            else:
                _tell_of_end(tools, session, claimed, not_delivered(reason, error.code))
            _suppress(session, claimed, error)
    # Without the reason, which stands in the row: a provider's own words may name the client.
    log.error("delivery_failed", delivery_id=claimed.id, channel=claimed.channel, code=error.code)


def _suppress(session: Session, claimed: ClaimedDelivery, error: Undeliverable) -> None:
    """Leave an address alone if the provider's answer says so."""
    address = ExternalId(type=claimed.recipient_type, value=claimed.recipient)
    if error.bad_address:
        suppress(session, address, SuppressionReason.INVALID, str(error))
    if error.opted_out:
        suppress(session, address, SuppressionReason.OPTED_OUT, said_so(error.code), sender=claimed.sender)


def _tell_not_shown(tools: Runtime, session: Session, claimed: ClaimedDelivery) -> None:
    """Say in the thread that something could not be shown there; of a notice that failed, nothing more is said."""
    message = session.get(Message, claimed.message_id) if claimed.message_id else None
    if message is not None and not message.is_system_message:
        ticket = _ticket(session, claimed)
        where = f"`frontdesk tickets show {ticket.id}` has it"
        tools.outbox.tell(
            session, ticket, f"Something of this ticket could not be shown here: {where}.", about=claimed.id
        )


def _nothing_to_mark(tools: Runtime, claimed: ClaimedDelivery) -> None:
    """Let a mark go whose message the agent has deleted: that is no failure."""
    with tools.database.session_scope() as session:
        record_outcome(session, claimed, DeliveryStatus.CANCELED)


def _unconfirmed(tools: Runtime, claimed: ClaimedDelivery) -> None:
    text = _UNCONFIRMED if tools.channel(claimed.channel).lookup.delays else _UNCONFIRMED_MAIL
    with tools.database.session_scope() as session:
        if not record_outcome(session, claimed, DeliveryStatus.UNCONFIRMED, error_text=text):
            return
        if claimed.to_client and claimed.purpose is not Purpose.ACKNOWLEDGEMENT:
            _tell_of_end(tools, session, claimed, text)
    log.warning("delivery_unconfirmed", delivery_id=claimed.id, channel=claimed.channel)


def _tell_of_end(tools: Runtime, session: Session, claimed: ClaimedDelivery, text: str) -> None:
    """Tell the agents of an answer that may never arrive: it is their turn again."""
    moved = claimed.purpose is not Purpose.ACKNOWLEDGEMENT and lifecycle.answer_failed(
        session, _ticket(session, claimed)
    )
    _tell(tools, session, claimed, text, card=moved)


def _tell(tools: Runtime, session: Session, claimed: ClaimedDelivery, text: str, *, card: bool = False) -> None:
    tools.outbox.tell(session, _ticket(session, claimed), text, about=claimed.id, card=card)
    _renew_mark(tools, session, claimed)
