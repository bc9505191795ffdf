"""SMS and WhatsApp through Twilio: two channels that share one webhook and one account."""

from collections.abc import Mapping

from channels.base import Connection
from channels.twilio.account import Account
from channels.twilio.channel import LOOK_AFTER, TwilioChannel
from channels.twilio.signature import TwilioWebhook

NAMES = ("sms", "whatsapp")


def connect(environment: Mapping[str, str]) -> Connection:
    """Build both channels; without TWILIO_AUTH_TOKEN they still parse, but neither send nor accept a webhook call.

    Raises `ValueError` for TWILIO_LOOK_AFTER_SECONDS that are no numbers.
    """
    account = Account(
        sid=environment.get("TWILIO_ACCOUNT_SID", ""),
        token=environment.get("TWILIO_AUTH_TOKEN", ""),
        api_url=environment.get("TWILIO_API_URL") or "https://api.twilio.com",
        content_url=environment.get("TWILIO_API_URL") or "https://content.twilio.com",
    )
    seconds = environment.get("TWILIO_LOOK_AFTER_SECONDS", "")
    look_after = tuple(float(each) for each in seconds.split(",")) if seconds else LOOK_AFTER
    return Connection(
        channels=tuple(TwilioChannel(name, account, look_after) for name in NAMES),
        webhook=TwilioWebhook(token=account.token),
    )
