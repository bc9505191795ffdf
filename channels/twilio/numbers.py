"""Phone numbers and the other things Twilio calls an address."""

import re

from channels.base import ExternalId
from channels.twilio.form import Form

_PREFIX = "whatsapp:"
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


def external_id(address: str) -> ExternalId:
    """Normalise an address as Twilio writes it.

    Numbers become `+` and digits. Short codes and alphanumeric senders stay, in lower case; a WhatsApp id without a
    number (a business-scoped one) stays exactly as it is, since nothing says that its case does not matter.
    """
    plain = address.removeprefix(_PREFIX).strip()
    number = _PUNCTUATION.sub("", plain)
    known = number if _E164.fullmatch(number) else plain
    if address.startswith(_PREFIX):
        return ExternalId(type="whatsapp", value=known)
    return ExternalId(type="phone", value=known.lower())


def written_address(channel: str, text: str) -> ExternalId:
    """Normalise a number a person wrote: `+` and 7 to 15 digits, or a short code for SMS; `ValueError` otherwise.

    A Messaging Service (`MG…`) is an address of ours too: all of its numbers.
    """
    if _SERVICE.fullmatch(text.strip()):
        return _service(channel, text.strip())
    number = _PUNCTUATION.sub("", text.strip().removeprefix(_PREFIX))
    if _E164.fullmatch(number):
        return ExternalId(type=address_type(channel), value=number)
    if channel == "sms" and _SHORT_CODE.fullmatch(number):
        return ExternalId(type="phone", value=number)
    raise ValueError("A number starts with + and its country code, like +15550100000.")


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
