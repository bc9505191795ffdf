"""What the emulators hold at their start: people, channels and numbers, and the desk that fits them."""

from collections.abc import Mapping
from typing import Any

from channels.slack.manifest import SCOPES
from tests.conftest import CREDENTIALS

TEAM = "T000000001"  # the emulator's own, not to be chosen
APP, BOT_USER = "A0FRONTDESK", "U0FRONTDESK"
PEOPLE = ("ada", "ben", "cleo", "dora")
CLIENTS, SUPPORT, BILLING = "clients", "support", "billing"
SMS, WHATSAPP, BILLING_SMS, NOT_OURS = "+15550100001", "+15550100002", "+15550100003", "+15550100009"
UNHEARD = "+15550100004"

Json = dict[str, Any]


def token(person: str) -> str:
    """Return the token with which a person's own client would speak."""
    return f"xoxp-{person}"


def slack_seed() -> Json:
    """Give the bot exactly the scopes of our manifest, which the emulator holds it to."""
    bot = {"token": CREDENTIALS["SLACK_BOT_TOKEN"], "type": "bot", "user_id": BOT_USER, "app_id": APP}
    return {
        "strict_scopes": True,
        "users": [
            {"name": name, "real_name": f"{name.title()} Doe", "email": f"{name}@desk.example"} for name in PEOPLE
        ],
        "channels": [{"name": CLIENTS}, {"name": SUPPORT, "is_private": True}, {"name": BILLING, "is_private": True}],
        "oauth_apps": [
            {
                "client_id": "1.2",
                "client_secret": "none",
                "app_id": APP,
                "name": "Frontdesk",
                "redirect_uris": [],
                "scopes": list(SCOPES),
                "bot_user_id": BOT_USER,
            }
        ],
        "tokens": [bot | {"scopes": list(SCOPES)}, *({"token": token(name), "user": name} for name in PEOPLE)],
    }


def twilio_seed(door: str) -> Json:
    """Let every number of the account but one call our door."""
    numbers = (SMS, f"whatsapp:{WHATSAPP}", BILLING_SMS)
    return {
        "account": {"sid": CREDENTIALS["TWILIO_ACCOUNT_SID"], "auth_token": CREDENTIALS["TWILIO_AUTH_TOKEN"]},
        "phone_numbers": [
            *({"phone_number": each, "sms_url": f"{door}/webhooks/twilio/messages"} for each in numbers),
            {"phone_number": UNHEARD},
        ],
    }


def desk_file(channels: Mapping[str, str]) -> Json:
    """Return a desk for these channel ids. Ada is known by her mail address alone, Ben to nobody."""
    return {
        "departments": [
            {
                "name": "Support",
                "sms": [SMS, NOT_OURS, UNHEARD],
                "whatsapp": [WHATSAPP],
                "slack": [f"{TEAM}/{channels[CLIENTS]}", TEAM],
                "slack_agents": [f"{TEAM}/{channels[SUPPORT]}"],
            },
            {"name": "Billing", "sms": [BILLING_SMS], "slack_agents": [f"{TEAM}/{channels[BILLING]}"]},
        ],
        "users": [{"name": "Ada Agent", "email": "ada@desk.example", "type": "agent", "departments": ["Support"]}],
    }
