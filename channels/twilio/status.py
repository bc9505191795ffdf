"""What Twilio's status words mean for us. Words: https://www.twilio.com/docs/messaging/api/message-resource."""

from channels.base import DeliveryReport, ExternalId, ReportState, clean_line
from channels.errors import Malformed
from channels.twilio.form import Form
from channels.twilio.troubles import Trouble, trouble

STATES = {
    # That Twilio has it is all we call sent; a report may bring that news before the answer to our call does.
    "accepted": ReportState.SENT,
    "scheduled": ReportState.SENT,
    "queued": ReportState.SENT,
    "sending": ReportState.SENT,
    "sent": ReportState.SENT,
    # Some segments of a long text have arrived; `delivered` or `undelivered` follows.
    "partially_delivered": ReportState.SENT,
    "delivered": ReportState.DELIVERED,
    "read": ReportState.READ,
    "undelivered": ReportState.FAILED,
    "failed": ReportState.FAILED,
    "canceled": ReportState.FAILED,
}
_INBOUND = frozenset({"receiving", "received"})
_CANCELED = Trouble("The message was canceled at Twilio before it left.")


def delivery_report(form: Form, idempotency_key: str) -> tuple[DeliveryReport, ...]:
    """Translate a status callback; empty for one about a message that came in. Raises `Malformed`."""
    sid, status = form.get("MessageSid") or form.get("SmsSid"), form.get("MessageStatus") or form.get("SmsStatus")
    if not sid or not status:
        raise Malformed("A status report without a message id or a status.")
    if status in _INBOUND:
        return ()
    if status not in STATES:
        raise Malformed("A status report with a status that Twilio's documentation does not name.")
    return (_report(form, sid, status, idempotency_key),)


def _report(form: Form, sid: str, status: str, key: str) -> DeliveryReport:
    state, code = STATES[status], clean_line(form.get("ErrorCode"), 32)
    name = ExternalId(type="twilio", value=sid)
    if state is not ReportState.FAILED:
        return DeliveryReport(external_id=name, state=state, idempotency_key=key)
    meaning = _CANCELED if status == "canceled" and not code else trouble(code, form.get("ErrorMessage"))
    return DeliveryReport(
        external_id=name,
        state=state,
        idempotency_key=key,
        code=code,
        detail=meaning.words,
        bad_address=meaning.bad_address,
        window_closed=meaning.window_closed,
        opted_out=meaning.opted_out,
        again_after=meaning.again_after,
        stopped=meaning.stopped,
    )
