"""What Twilio's status words and error codes mean for us.

Codes are from https://www.twilio.com/docs/api/errors, read 2026-11. Twilio says of its own error texts that they may
change, and they hold phone numbers: only the number of the code is used, the words are ours.
"""

from dataclasses import dataclass

from channels.base import DeliveryReport, ExternalId, ReportState, clean_line
from channels.errors import Malformed
from channels.twilio.form import Form

STATES = {
    "sent": ReportState.SENT,
    "delivered": ReportState.DELIVERED,
    "read": ReportState.READ,
    "undelivered": ReportState.FAILED,
    "failed": ReportState.FAILED,
    "canceled": ReportState.FAILED,
}
_ON_THE_WAY = frozenset({"accepted", "scheduled", "queued", "sending", "partially_delivered", "receiving", "received"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an error code means: words for the agents, and whether the address is spent, the moment, or the window."""

    words: str
    bad_address: bool = False
    later: bool = False
    window: bool = False


TROUBLES = {
    "20003": Trouble(
        "Twilio refused our credentials; an operator must check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."
    ),
    "20429": Trouble("Too many requests at once.", later=True),
    "429": Trouble("Too many requests at once.", later=True),
    "21211": Trouble("This is not a valid number.", bad_address=True),
    "21408": Trouble("Sending to this country is not enabled; an operator can enable it in Twilio's console."),
    "21606": Trouble("Our number cannot send this; an operator must check the number in Twilio's console."),
    "21610": Trouble("The client has opted out of messages from this number.", bad_address=True),
    "21611": Trouble("Twilio's queue for our number is full.", later=True),
    "21614": Trouble("This number cannot take text messages.", bad_address=True),
    "21617": Trouble("The text is longer than Twilio takes."),
    "21635": Trouble("This number is a landline.", bad_address=True),
    "21659": Trouble("Our number is not one of this Twilio account; an operator must check the department's number."),
    "30002": Trouble("The Twilio account is suspended; an operator must look into it."),
    "30003": Trouble("The phone cannot be reached: off, out of reach, or a landline. It may work later."),
    "30004": Trouble("The client or the carrier blocks our messages."),
    "30005": Trouble("This number does not exist any more.", bad_address=True),
    "30006": Trouble("This number is a landline or its carrier takes no messages.", bad_address=True),
    "30007": Trouble("The carrier filtered the text as unwanted; write it differently."),
    "30008": Trouble("The carrier did not say why. It may work later."),
    "30036": Trouble("The message waited too long and expired.", later=True),
    "63003": Trouble("This WhatsApp address does not exist.", bad_address=True),
    "63013": Trouble("The text is against WhatsApp's policy."),
    "63016": Trouble(
        "The client last wrote over 24 hours ago, and WhatsApp then takes only approved templates.", window=True
    ),
    "63017": Trouble("Too many messages at once.", later=True),
    "63018": Trouble("WhatsApp's limit for our number is reached.", later=True),
    "63021": Trouble("WhatsApp does not take this content or file."),
    "63024": Trouble("This number is not on WhatsApp.", bad_address=True),
    "63030": Trouble("WhatsApp does not take this file together with this text."),
    "11751": Trouble("A file is too large for this channel."),
}


def trouble(code: str) -> Trouble:
    """Return what a code means; of an unknown one only that it failed."""
    return TROUBLES.get(code) or Trouble("Twilio refused it without a reason we know.")


def delivery_report(form: Form, idempotency_key: str) -> tuple[DeliveryReport, ...]:
    """Translate a status callback; empty while the message is on its way. Raises `Malformed`."""
    sid, status = form.get("MessageSid") or form.get("SmsSid"), form.get("MessageStatus") or form.get("SmsStatus")
    if not sid or not status:
        raise Malformed("A status report without a message id or a status.")
    if status not in STATES:
        return _unfinished(status)
    return (_report(sid, STATES[status], idempotency_key, clean_line(form.get("ErrorCode"), 32)),)


def _unfinished(status: str) -> tuple[DeliveryReport, ...]:
    if status in _ON_THE_WAY:
        return ()
    raise Malformed("A status report with a status that Twilio's documentation does not name.")


def _report(sid: str, state: ReportState, key: str, code: str) -> DeliveryReport:
    failed = state is ReportState.FAILED
    meaning = trouble(code) if failed else Trouble("")
    return DeliveryReport(
        external_id=ExternalId(type="twilio", value=sid),
        state=state,
        idempotency_key=key,
        code=code if failed else "",
        detail=meaning.words,
        bad_address=meaning.bad_address,
        window_closed=meaning.window,
    )
