"""Messaging Services: one name for several numbers, by which a department may go instead of one number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio.rest import Client


def service_numbers(client: "Client", channel: str, sid: str) -> Sequence[str]:
    """Return the numbers and short codes of a service, or its WhatsApp senders, as Twilio writes them."""
    service = client.messaging.v1.services(sid)
    if channel == "whatsapp":
        senders = [str(each.sender) for each in service.channel_senders.list()]
        return [each for each in senders if each.startswith("whatsapp:")]
    short_codes = [str(each.short_code) for each in service.short_codes.list()]
    return [*(str(each.phone_number) for each in service.phone_numbers.list()), *short_codes]
