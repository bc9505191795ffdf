"""What providers say became of our sends. The state only moves forward, whatever order reports come in.

What a provider gave up that may arrive a little later is sent once more, by itself and once only: that is another
attempt, with a name of its own at the provider, and reports on the one given up change nothing any more.

A bounce counts when it carries the ticket's token, is about whom the mail was sent to, and comes while mail systems
still try. Of a copy that was sent on, or of a latecomer, the agents are told and nothing follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.orm import Session

from channels.base import Button, DeliveryReport, ExternalId, ReportState
from channels.email import tokens
from models.base import now
from models.belongings import lock_names
from models.deliveries import (
    NOT_BEGUN,
    PROGRESS,
    Delivery,
    DeliveryStatus,
    delivery_reported,
    lock_deliveries_to_client,
    lock_delivery,
    release_parts_after,
)
from models.departments import desk_of
from models.merges import MergeKind, family_of, lock_standing
from models.messages import name_message
from models.suppressions import SuppressionReason, suppress
from models.tickets import Ticket
from workers.callbacks import Callback, read_callback
from workers.db import Wakeup, enqueue
from workers.desk import lifecycle
from workers.desk.outcome import Outcome, ignored
from workers.desk.window import held_text, wrote_since
from workers.logs import get_logger
from workers.outbox import Outbox

log = get_logger()

_STATUS = {
    ReportState.SENT: DeliveryStatus.SENT,
    ReportState.DELIVERED: DeliveryStatus.DELIVERED,
    ReportState.READ: DeliveryStatus.READ,
    ReportState.FAILED: DeliveryStatus.FAILED,
}
_ARRIVED = (DeliveryStatus.DELIVERED, DeliveryStatus.READ)
_BAD_NEWS = (ReportState.FAILED, ReportState.DELAYED)
CLOSED = "the client last wrote too long ago"
_NO_REASON = "the other side gave no reason"
# Mail systems try for five days (RFC 5321, 4.5.4.1); twice that for two of them one behind the other.
BOUNCES_WITHIN = timedelta(days=10)


def retry_button(delivery_id: int) -> Button:
    """Return the button that tries a failed send again."""
    return Button(label="Send again", action="retry", value=str(delivery_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Records reports, and tells the agents of failures."""

    outbox: Outbox
    secret: bytes = field(repr=False)

    def record(self, session: Session, channel: str, report: DeliveryReport) -> Outcome:
        """Record what a provider says of a send."""
        name, callback = report.external_id, self._callback(report)
        delivery = delivery_reported(
            session,
            channel=channel,
            external_id=name.value if name else "",
            idempotency_key=callback.idempotency_key,
        )
        if delivery is not None and report.window_closed:
            # Whoever records what the client writes holds their names too: neither misses the other.
            lock_names(session, session.get_one(Ticket, delivery.ticket_id).client_id)
        ticket = lock_standing(session, delivery.ticket_id) if delivery else None
        if delivery is None or ticket is None or not self._proven(session, report, delivery, ticket):
            return ignored("a report on a message that is not ours")
        lock_delivery(session, delivery)
        if report.state in _BAD_NEWS and (apart := _apart(delivery, report)):
            return self._decides_nothing(session, ticket, delivery, f"{apart}: {_because(report)}")
        if report.state is ReportState.DELAYED:
            return self._delayed(session, ticket, delivery, report)
        if not _concerns(delivery, name, callback, _STATUS[report.state]):
            return ignored("a report on an earlier attempt")
        if name is not None:
            _note_name(session, delivery, name)
        self._advance(session, ticket, delivery, _STATUS[report.state], report)
        return Outcome()

    def _callback(self, report: DeliveryReport) -> Callback:
        """Return which send a report names: a bounce by our Message-ID, proven by its token, a provider by our name."""
        if report.token:
            return Callback(idempotency_key=report.idempotency_key)
        return read_callback(self.secret, report.idempotency_key)

    def _proven(self, session: Session, report: DeliveryReport, delivery: Delivery, ticket: Ticket) -> bool:
        """Check a token against what it was made for: the send's own ticket, and a client who may be another's now."""
        if not report.token or tokens.valid(self.secret, report.token, delivery.ticket_id, ticket.client_id):
            return True
        clients = family_of(session, MergeKind.CLIENT, ticket.client_id)
        return any(tokens.valid(self.secret, report.token, delivery.ticket_id, each) for each in clients)

    def _decides_nothing(self, session: Session, ticket: Ticket, delivery: Delivery, said: str) -> Outcome:
        """Tell the agents, not twice the same, and let the send be."""
        if not moves_forward(DeliveryStatus(delivery.status), DeliveryStatus.FAILED) or delivery.error_text == said:
            return ignored("came back, not decided")
        delivery.error_text = said
        self.outbox.tell(session, ticket, f"{said}.")
        log.info("bounce_not_counted", delivery_id=delivery.id, ticket_id=ticket.id)
        return Outcome()

    def _delayed(self, session: Session, ticket: Ticket, delivery: Delivery, report: DeliveryReport) -> Outcome:
        """Tell the agents that the other side still tries, once a send; nothing is decided."""
        reason = report.detail or _NO_REASON
        if delivery.status != DeliveryStatus.SENT or delivery.error_text:
            return ignored("delayed, not decided")
        delivery.error_text = reason
        self.outbox.tell(session, ticket, not_yet_delivered(reason, report.code))
        return Outcome()

    def _advance(
        self, session: Session, ticket: Ticket, delivery: Delivery, status: DeliveryStatus, report: DeliveryReport
    ) -> None:
        before = DeliveryStatus(delivery.status)
        if not moves_forward(before, status):
            return
        if report.window_closed:
            self._hold(session, ticket, delivery, report)
            return
        delivery.lease_until = None
        delivery.sent_at = delivery.sent_at or now()
        if status is DeliveryStatus.FAILED:
            self._given_up(session, ticket, delivery, report)
        else:
            delivery.status = status
            if status in _ARRIVED:  # what went wrong before is over
                delivery.error_code = delivery.error_text = None
            if before is DeliveryStatus.UNCONFIRMED:
                _wake(session, release_parts_after(session, delivery))
        if delivery.message_id is not None:
            self.outbox.mark(session, ticket.id, delivery.message_id, desk_of(session, ticket.department_id))

    def _hold(self, session: Session, ticket: Ticket, delivery: Delivery, report: DeliveryReport) -> None:
        """Keep what came back only because the client last wrote too long ago, unless they have written since."""
        others = lock_deliveries_to_client(session, delivery.message_id or 0)
        first = not any(each.status == DeliveryStatus.HELD for each in others)
        delivery.external_id, delivery.lease_until, delivery.lookups = None, None, 0
        if wrote_since(session, delivery, delivery.attempted_at or delivery.created_at):
            delivery.status, delivery.next_attempt_at, delivery.attempted_at = DeliveryStatus.PENDING, now(), None
            _wake(session, [delivery])
            return
        delivery.status = DeliveryStatus.HELD
        delivery.error_code, delivery.error_text = report.code, report.detail
        if first:
            self.outbox.tell(session, ticket, held_text(delivery.channel, CLOSED), about=delivery.id)
        if delivery.message_id is not None:
            self.outbox.mark(session, ticket.id, delivery.message_id, desk_of(session, ticket.department_id))

    def _given_up(self, session: Session, ticket: Ticket, delivery: Delivery, report: DeliveryReport) -> None:
        """Do what follows from a failure: one more send, or a word to the agents and to the address's account."""
        if report.stopped:
            log.error("provider_stopped", channel=delivery.channel, code=report.code)
        # A code that stands there already is that of the attempt before.
        if report.again_after is not None and delivery.error_code is None:
            self._once_more(session, ticket, delivery, report, report.again_after)
            return
        delivery.status = DeliveryStatus.FAILED
        self.failed(session, ticket, delivery, report.detail or _NO_REASON, report.code)
        address = _recipient(delivery)
        if report.bad_address and set(report.recipients) <= {address}:
            suppress(session, address, SuppressionReason.BOUNCED, report.detail)
        if report.opted_out:
            suppress(session, address, SuppressionReason.OPTED_OUT, said_so(report.code), sender=delivery.sender)

    def _once_more(
        self, session: Session, ticket: Ticket, delivery: Delivery, report: DeliveryReport, pause: float
    ) -> None:
        """Send what certainly did not arrive once more, a little later and in its old place in the lane."""
        delivery.status, delivery.external_id, delivery.lookups = DeliveryStatus.PENDING, None, 0
        delivery.next_attempt_at = now() + timedelta(seconds=pause)
        delivery.tried_since = now()
        delivery.error_code, delivery.error_text = report.code, report.detail
        _wake(session, [delivery, *release_parts_after(session, delivery)], delay=pause)
        self.outbox.tell(
            session, ticket, f"Not delivered: {_because(report)}. It is sent once more {_in_minutes(pause)}."
        )
        log.info("delivery_once_more", delivery_id=delivery.id, code=report.code, seconds=pause)

    def failed(self, session: Session, ticket: Ticket, delivery: Delivery, reason: str, code: str) -> None:
        """Write down why a send failed and tell the agents, with a way to try again."""
        delivery.error_code = code or None
        delivery.error_text = reason
        moved = lifecycle.answer_failed(session, ticket)
        self.outbox.tell(session, ticket, not_delivered(reason, code), about=delivery.id, card=moved)
        log.warning("delivery_failed", delivery_id=delivery.id, ticket_id=ticket.id, code=code)


def _apart(delivery: Delivery, report: DeliveryReport) -> str:
    """Return what agents read of a report that is not about the send itself, an empty text for one that is."""
    if report.recipients and _recipient(delivery) not in report.recipients:
        return "A copy to another address came back"
    late = delivery.sent_at is not None and now() - delivery.sent_at > BOUNCES_WITHIN
    return "A message came back long after it was sent, which changes nothing" if late and report.token else ""


def _recipient(delivery: Delivery) -> ExternalId:
    return ExternalId(type=delivery.recipient_type, value=delivery.recipient)


def _because(report: DeliveryReport) -> str:
    return with_code(report.detail or _NO_REASON, report.code)


def with_code(reason: str, code: str) -> str:
    """Return a reason without a full stop, and the provider's code behind it; codes of our own have no digits."""
    provider = any(each.isdigit() for each in code)
    return reason.rstrip(".") + (f" ({code})" if provider and code not in reason else "")


def said_so(code: str) -> str:
    """Return how we know that a client has opted out, when they did not tell us."""
    return f"as the provider says ({code})"


def not_delivered(reason: str, code: str) -> str:
    """Return what agents read about a failed send."""
    return f"Not delivered to the client: {with_code(reason, code)}."


def not_yet_delivered(reason: str, code: str) -> str:
    """Return what agents read about a send that the other side has not given up."""
    return f"Not yet delivered to the client, the mail system keeps trying: {with_code(reason, code)}."


def moves_forward(before: DeliveryStatus, after: DeliveryStatus) -> bool:
    """Say whether a report may change a send's status: failed is final, and what arrived has not failed."""
    if before in {DeliveryStatus.FAILED, DeliveryStatus.CANCELED}:
        return False
    if after is DeliveryStatus.FAILED:
        return before not in _ARRIVED
    return PROGRESS.index(after) > PROGRESS.index(before)


def _concerns(delivery: Delivery, name: ExternalId | None, callback: Callback, status: DeliveryStatus) -> bool:
    """Say whether a report is about the attempt that counts; that an earlier one arrived after all always matters."""
    if status in _ARRIVED:
        return True
    if callback.attempt not in {None, delivery.attempts}:
        return False
    another = name is not None and delivery.external_id not in {None, name.value}
    return not another and delivery.status not in NOT_BEGUN


def _wake(session: Session, deliveries: Sequence[Delivery], *, delay: float = 0.0) -> None:
    for each in deliveries:
        enqueue(session, Wakeup(task="outbound.deliver", channel=each.channel, row_id=each.id, delay=delay))


def _in_minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return "in a minute" if minutes <= 1 else f"in {minutes} minutes"


def _note_name(session: Session, delivery: Delivery, name: ExternalId) -> None:
    """Keep the provider's id: the report may be here before the answer to our call is."""
    if delivery.external_id is None:
        delivery.external_id = name.value
        if delivery.message_id is not None:
            name_message(session, delivery.message_id, name)
