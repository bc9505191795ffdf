"""SMS and WhatsApp through Twilio: two channels that share one webhook and one account."""

from collections.abc import Mapping

from channels.base import Connection
from channels.twilio.account import Account
from channels.twilio.channel import LOOK_AFTER, TwilioChannel
from channels.twilio.signature import TwilioWebhook

NAMES = ("sms", "whatsapp")


def connect(environment: Mapping[str, str]) -> Connection:
    """Build both channels; without TWILIO_AUTH_TOKEN they still parse, but neither send nor accept a webhook call.

    Raises `ValueError` for an account without its token, and for TWILIO_LOOK_AFTER_SECONDS that are no numbers.
    """
    account = account_of(environment)
    if account.sid and not account.token:
        raise ValueError("TWILIO_ACCOUNT_SID is set and TWILIO_AUTH_TOKEN is not: set the account's auth token")
    secrets = environment.get("TWILIO_WEBHOOK_SECRETS", "").split(",")
    seconds = environment.get("TWILIO_LOOK_AFTER_SECONDS", "")
    look_after = tuple(float(each) for each in seconds.split(",")) if seconds else LOOK_AFTER
    return Connection(
        channels=tuple(TwilioChannel(name, account, look_after) for name in NAMES),
        webhook=TwilioWebhook(
            token=account.token, more_secrets=tuple(each.strip() for each in secrets if each.strip())
        ),
    )


def account_of(environment: Mapping[str, str]) -> Account:
    """Return the account that the settings name; without them, one that nothing can be asked of."""
    return Account(
        sid=environment.get("TWILIO_ACCOUNT_SID", ""),
        token=environment.get("TWILIO_AUTH_TOKEN", ""),
        api_url=environment.get("TWILIO_API_URL") or "https://api.twilio.com",
    )
