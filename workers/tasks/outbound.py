"""`outbound.deliver`: claim → commit `sending` → call the provider once → record what happened.

At most one automatic send: after an unclear outcome, or when a worker died while sending, the provider is asked what it
has; if that does not settle it, the agents are.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from channels.base import ExternalId, OutboundMessage
from channels.errors import SendError, Stopped, TryLater, Unclear, Undeliverable, WindowClosed
from models.base import now
from models.belongings import lock_names
from models.deliveries import ONCE, PART_BEFORE, DeliveryStatus, Purpose, lock_deliveries_to_client
from models.delivery_claims import ClaimedDelivery, claim_delivery, claim_next_in_lane, record_outcome
from models.departments import desk_of
from models.merges import standing_ticket
from models.messages import Message, messages_named, name_message
from models.suppressions import SuppressionReason, suppress
from models.tickets import Ticket, name_ticket
from workers.app import app
from workers.db import Wakeup, enqueue
from workers.desk.reports import not_delivered, said_so
from workers.desk.window import held_text, opened_since
from workers.logs import get_logger
from workers.outbox import AGENTS_THREAD
from workers.runtime import Runtime, runtime
from workers.tasks import pacing, row_ids, showing
from workers.tasks.pacing import GIVE_UP_AFTER
from workers.tasks.templates import list_templates

log = get_logger()

LONGEST_BACKOFF = 900.0
# On top of what a channel needs for one send: the claim and the record of it.
LEASE_MARGIN = 10.0
# Seconds between tries to write one outcome, together less than the margin: a restart of the database is outlasted.
PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)
# Each of which a worker may have died of: then a person decides.
MOST_LOOKS = 8

_UNCONFIRMED = (
    "It is not known whether this message reached the client: the provider did not answer and shows no trace of it. "
    "Send it again only if the client has not got it."
)


@app.task(name="outbound.deliver")
def deliver(delivery_ids: Sequence[int]) -> None:
    """Send deliveries, each with what waits behind it in its lane."""
    for delivery_id in row_ids(delivery_ids):
        deliver_lane(runtime(), delivery_id)


def deliver_lane(tools: Runtime, delivery_id: int) -> None:
    """Send what is due in the lane of this delivery, in order. May be called any number of times."""
    leases = _leases(tools)
    with tools.database.session_scope() as session:
        claimed = _leaving(tools, session, claim_delivery(session, delivery_id, leases))
    while claimed is not None:
        attempt(tools, claimed)
        with tools.database.session_scope() as session:
            claimed = _leaving(tools, session, claim_next_in_lane(session, claimed.lane, leases))


def _leaving(tools: Runtime, session: Session, claimed: ClaimedDelivery | None) -> ClaimedDelivery | None:
    return claimed if claimed is not None and pacing.may_leave(tools, session, claimed) else None


def attempt(tools: Runtime, claimed: ClaimedDelivery) -> None:
    """Make one send, or one look-up of an earlier one, and record what came of it."""
    begun = now()
    try:
        name = _look_up(tools, claimed) if claimed.only_asks else _send(tools, claimed)
        _keep_trying(lambda: _sent(tools, claimed, name))
    except SendError as error:
        outcome = error
        if isinstance(error, WindowClosed):
            list_templates(tools, claimed.channel)
        _keep_trying(lambda: not_sent(tools, claimed, outcome, begun))


def not_sent(tools: Runtime, claimed: ClaimedDelivery, error: SendError, begun: datetime) -> None:
    """Record why a send that was begun then did not end in a provider's yes, and what comes next."""
    if isinstance(error, TryLater):
        _later(tools, claimed, error)
        if isinstance(error, Stopped) and claimed.attempts == 1:
            _tell_stopped(tools, claimed, error)
    elif isinstance(error, Undeliverable):
        _failed(tools, claimed, error)
    elif isinstance(error, WindowClosed):
        _held(tools, claimed, error, begun)
    elif isinstance(error, Unclear):
        _unclear(tools, claimed, error)


def _keep_trying(write: Callable[[], None]) -> None:
    """Write what the provider said again when the database refuses: this process alone knows it."""
    for pause in PAUSES:
        try:
            write()
        except OperationalError as error:
            log.warning("outcome_not_written", error=type(error).__name__)
            time.sleep(pause)
        else:
            return
    write()


def _leases(tools: Runtime) -> dict[str, timedelta]:
    return {
        name: timedelta(seconds=channel.send_timeout + LEASE_MARGIN)
        for name, channel in tools.channels.channels.items()
    }


def _send(tools: Runtime, claimed: ClaimedDelivery) -> ExternalId | None:
    if claimed.purpose is Purpose.RECEIPT:
        showing.mark(tools, claimed)
        return None
    outbound = _message(tools, claimed)
    if claimed.purpose is Purpose.CARD_UPDATE and outbound.card is not None:
        showing.renew_card(tools, claimed, outbound.card)
        return None
    try:
        return tools.channel(claimed.channel).send(outbound)
    except SendError:
        raise
    except Exception as error:  # a bug of ours, after which the message may or may not be out: the lane must go on
        log.exception("send_broke", delivery_id=claimed.id, error=type(error).__name__)
        raise Unclear(f"sending broke ({type(error).__name__})") from error


def _message(tools: Runtime, claimed: ClaimedDelivery) -> OutboundMessage:
    try:
        with tools.database.session_scope() as session:
            return tools.outgoing.message(session, claimed)
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        raise TryLater("the database does not answer") from error
    except SendError:
        raise
    except Exception as error:  # a bug of ours: told to the agents, and the lane goes on
        log.exception("message_broke", delivery_id=claimed.id, error=type(error).__name__)
        broke = f"it could not be put together ({type(error).__name__})"
        raise (Unclear(broke) if claimed.look_up else Undeliverable(broke, code="internal")) from error


def _look_up(tools: Runtime, claimed: ClaimedDelivery) -> ExternalId:
    """Return the provider's id of an earlier send, which no other message has. Raises `Unclear` without a certain one.

    Where absence proves nothing, sends are told apart by their words: two that nobody has may be anybody's.
    """
    channel = tools.channel(claimed.channel)
    found = channel.find_sent(_message(tools, claimed), claimed.attempted_at)
    with tools.database.session_scope() as session:
        taken = messages_named(session, found)
    free = [each for each in found if each not in taken]
    if not free or (len(free) > 1 and not channel.lookup.absence_is_proof):
        raise Unclear(f"the provider shows {len(free)} messages that could be this one")
    return free[0]


def _sent(tools: Runtime, claimed: ClaimedDelivery, name: ExternalId | None) -> None:
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
                _tell(tools, session, claimed, not_delivered(reason, error.code))
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
    with tools.database.session_scope() as session:
        if not record_outcome(session, claimed, DeliveryStatus.UNCONFIRMED, error_text=_UNCONFIRMED):
            return
        if claimed.to_client and claimed.purpose is not Purpose.ACKNOWLEDGEMENT:
            _tell(tools, session, claimed, _UNCONFIRMED)
    log.warning("delivery_unconfirmed", delivery_id=claimed.id, channel=claimed.channel)


def _tell(tools: Runtime, session: Session, claimed: ClaimedDelivery, text: str) -> None:
    ticket = _ticket(session, claimed)
    tools.outbox.tell(session, ticket, text, about=claimed.id)
    _renew_mark(tools, session, claimed)
