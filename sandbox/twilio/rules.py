"""Twilio's limits on a message, and how it counts segments."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sandbox.twilio.errors import TwilioError

LONGEST_BODY = 1600
LONGEST_VALIDITY = 36_000
LONGEST_TEMPLATE = 1024
BLANK = re.compile(r"\{\{(\w+)\}\}")
WHATSAPP = "whatsapp:"
MOST_MEDIA = {"sms": 10, "whatsapp": 1}
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
BUSINESS_SCOPED = re.compile(r"[A-Z]{2}\.\w{1,128}")
WINDOW = timedelta(hours=24)

# 3GPP TS 23.038: the basic alphabet, and the signs that take two places
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_TWICE = frozenset("^{}\\[~]|€\f")

STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START_WORDS = frozenset({"start", "yes", "unstop"})


def segments(body: str) -> int:
    """Return in how many pieces a text goes out."""
    if all(sign in GSM or sign in GSM_TWICE for sign in body):
        length = sum(2 if sign in GSM_TWICE else 1 for sign in body)
        return 1 if length <= 160 else -(-length // 153)  # noqa: PLR2004  septets in one message, and in a part of a longer one
    length = len(body.encode("utf-16-be")) // 2
    return 1 if length <= 70 else -(-length // 67)  # noqa: PLR2004  the same in UCS-2


def is_address(text: str) -> bool:
    """Say whether this is a phone number or a WhatsApp address."""
    bare = text.removeprefix(WHATSAPP)
    return bool(NUMBER.fullmatch(bare)) or (bare != text and bool(BUSINESS_SCOPED.fullmatch(bare)))


def check(given: Mapping[str, str], media: list[str]) -> None:
    """Refuse what Twilio refuses at once. Raises `TwilioError`."""
    to, sender, body = given.get("To", ""), given.get("From", ""), given.get("Body", "")
    if not to:
        raise TwilioError(400, 21604, "A 'To' phone number is required.")
    if not is_address(to):
        raise TwilioError(400, 21211, f"Invalid 'To' Phone Number: {_masked(to)}")
    if not sender and not given.get("MessagingServiceSid"):
        raise TwilioError(400, 21603, "A 'From' phone number is required.")
    if sender and to.startswith(WHATSAPP) != sender.startswith(WHATSAPP):
        raise TwilioError(400, 63007, "Twilio could not find a Channel with the specified From address")
    if sender == to:
        raise TwilioError(400, 21266, "'To' and 'From' number cannot be the same")
    _check_content(given, body, media)


def filled_in(template: str, variables: str) -> str:
    """Return a template's text with its variables in it. Raises `TwilioError`."""
    try:
        given = json.loads(variables)
        text = BLANK.sub(lambda found: str(given[found[1]]), template)
    except (ValueError, KeyError, TypeError) as error:
        raise TwilioError(400, 21656, "The ContentVariables Parameter is invalid") from error
    if len(text) > LONGEST_TEMPLATE:
        raise TwilioError(400, 63021, "Channel invalid content error")
    return text


def within_window(last_heard: datetime | None) -> bool:
    """Say whether somebody wrote on WhatsApp less than a day ago."""
    return last_heard is not None and datetime.now(UTC) - last_heard < WINDOW


def _check_content(given: Mapping[str, str], body: str, media: list[str]) -> None:
    if given.get("ContentSid") and (body or media):
        raise TwilioError(400, 63016, "A template goes by its ContentSid alone")
    if not body and not media and not given.get("ContentSid"):
        raise TwilioError(400, 21602, "Message body is required.")
    if len(body) > LONGEST_BODY:
        raise TwilioError(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    if len(media) > MOST_MEDIA["whatsapp" if given["To"].startswith(WHATSAPP) else "sms"]:
        raise TwilioError(400, 21623, "Number of media files exceeds allowed limit")
    validity = given.get("ValidityPeriod", "1")
    if not validity.isdecimal() or not 0 < int(validity) <= LONGEST_VALIDITY:
        raise TwilioError(400, 21621, "ValidityPeriod is invalid")


def _masked(number: str) -> str:
    return number[:-4] + "XXXX" if len(number) > 4 else number  # noqa: PLR2004  Twilio hides the last four
