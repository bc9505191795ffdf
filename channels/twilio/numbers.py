"""Phone numbers and the other things Twilio calls an address."""

import re
from dataclasses import replace

from channels.base import ExternalId, bounded
from channels.phone import e164, variants
from channels.twilio.form import Form

_PREFIX = "whatsapp:"
# The same phone, whichever of the two its network had: https://www.twilio.com/docs/rcs
_RCS = "rcs:"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SERVICE = re.compile(r"MG[0-9a-f]{32}", re.IGNORECASE)
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_PUNCTUATION = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")


def channel_of(form: Form) -> str:
    """Return `whatsapp` or `sms`, by the prefix of either end."""
    return "whatsapp" if any(form.get(end).startswith(_PREFIX) for end in ("From", "To")) else "sms"


def sender_id(form: Form) -> ExternalId:
    """Return who sent it, empty-valued when the form does not say."""
    return external_id(form.get("From"))


def recipient_ids(form: Form) -> tuple[ExternalId, ...]:
    """Return whom it was sent to as Twilio writes it, then in the way in which desk.toml may have it."""
    if not form.get("To"):
        return ()
    ours = external_id(form.get("To"))
    return tuple(replace(ours, value=value) for value in dict.fromkeys((ours.value, *variants(ours.value))))


def other_ids(form: Form) -> tuple[ExternalId, ...]:
    """Return the sender's business-scoped id where it stands beside their number: who hides that later keeps the id."""
    scoped = form.get("ExternalUserId")
    if not scoped.startswith(_PREFIX) or external_id(scoped) == sender_id(form):
        return ()
    return (external_id(scoped),)


def conversation_of(form: Form) -> str:
    """Return the ordering key of a message: its sender, which is one whichever way their number is written."""
    sender = sender_id(form)
    return bounded(f"{sender.type}:{variants(sender.value)[0]}")


def external_id(address: str) -> ExternalId:
    """Normalise an address as Twilio writes it.

    Numbers become `+` and digits. Short codes and alphanumeric senders stay, in lower case; a WhatsApp id without a
    number (a business-scoped one) stays exactly as it is, since nothing says that its case does not matter.
    """
    plain = address.removeprefix(_PREFIX).strip()
    number = _PUNCTUATION.sub("", plain.removeprefix(_RCS))
    known = number if _E164.fullmatch(number) else plain
    if address.startswith(_PREFIX):
        return ExternalId(type="whatsapp", value=known)
    return ExternalId(type="phone", value=known.lower())


def written_address(channel: str, text: str) -> ExternalId:
    """Normalise a number a person wrote, with its country code, or a short code for SMS; `ValueError` otherwise.

    A Messaging Service (`MG…`) is an address of ours too: all of its numbers.
    """
    if _SERVICE.fullmatch(text.strip()):
        return _service(channel, text.strip())
    plain = text.strip().removeprefix(_PREFIX)
    if channel == "sms" and _SHORT_CODE.fullmatch(_PUNCTUATION.sub("", plain)):
        return ExternalId(type="phone", value=_PUNCTUATION.sub("", plain))
    try:
        return ExternalId(type=address_type(channel), value=e164(plain))
    except ValueError as error:
        raise ValueError("A number starts with + and its country code, like +15550100000.") from error


def service_of(form: Form) -> ExternalId | None:
    """Return the Messaging Service that a message came through, as an address of its channel."""
    sid = form.get("MessagingServiceSid")
    return _service(channel_of(form), sid) if _SERVICE.fullmatch(sid) else None


def _service(channel: str, sid: str) -> ExternalId:
    return ExternalId(type=address_type(channel), value="MG" + sid[2:].lower())


def is_service(address: ExternalId) -> bool:
    """Say whether an address of ours is a Messaging Service."""
    return bool(_SERVICE.fullmatch(address.value))


def address_type(channel: str) -> str:
    """Return the type of the outside names of a channel's people."""
    return "whatsapp" if channel == "whatsapp" else "phone"


def wire_address(channel: str, address: ExternalId) -> str:
    """Return an address as Twilio's API takes it."""
    return _PREFIX + address.value if channel == "whatsapp" else address.value
