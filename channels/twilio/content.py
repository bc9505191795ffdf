"""What a message says, in words: text, tapped buttons, forms, places, advertisements, and how it was passed on.

Marks in brackets are ours, the rest is the client's. Fields: https://www.twilio.com/docs/messaging/guides/webhook-request
and https://www.twilio.com/docs/content/flows, read 2026-11.
"""

import json
import re
from collections.abc import Iterable, Iterator

from channels.base import clean_line, clean_text
from channels.twilio.form import Form

_LONGEST_LINE = 1000
_MOST_ANSWERS = 50
_DEEPEST_ANSWER = 10
_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,15})?")
_MAP = "https://www.google.com/maps/search/?api=1&query={},{}"
# Kinds of WhatsApp messages whose content stands in other fields; observed 2026-11. Another is named as it came.
_PLAIN_KINDS = frozenset(
    {"", "text", "image", "audio", "voice", "video", "document", "sticker", "location", "contacts", "interactive"}
    | {"button", "template"}
)
# What a message without text may hold and still say nothing.
_SILENT = re.compile(
    r"(?:Message|Sms|SmsMessage|Account|MessagingService)Sid|(?:From|To)(?:Country|State|City|Zip)?|Body|NumMedia"
    r"|NumSegments|SmsStatus|ApiVersion|ProfileName|WaId|MessageType|ChannelMetadata|ExternalUserId|AddOns|OptOutType"
    r"|Forwarded|FrequentlyForwarded|OriginalReplied\w+|Referral\w+|Media(?:Url|ContentType)[0-9]+|M[cn]c"
)


def body_of(form: Form) -> str:
    """Return everything that a message says beside its files, and never nothing at all where it has none."""
    said = [form.get("Body") or _choice(form), *_answers(form), _location(form), _referral(form)]
    parts = [part for part in said if part.strip()]
    if not parts and not form.get("MediaUrl0"):
        parts = [_nothing(form)]
    return clean_text("\n".join([*parts, *_marks(form)]))


def _choice(form: Form) -> str:
    """Return the label of a tapped button or list entry, for the calls that leave Body empty."""
    return form.get("ButtonText") or form.get("ListTitle") or form.get("ButtonPayload") or form.get("ListId")


def _location(form: Form) -> str:
    latitude, longitude = form.get("Latitude"), form.get("Longitude")
    if not latitude or not longitude:
        return ""
    names = [form.get("Label"), form.get("Address"), f"{latitude}, {longitude}"]
    line = "Location: " + clean_line(", ".join(name for name in names if name), _LONGEST_LINE)
    on_earth = _DEGREES.fullmatch(latitude) and _DEGREES.fullmatch(longitude)
    return f"{line}\n{_MAP.format(latitude, longitude)}" if on_earth else line


def _referral(form: Form) -> str:
    names = [form.get("ReferralHeadline"), form.get("ReferralBody"), form.get("ReferralSourceUrl")]
    words = " ".join(name for name in names if name) or form.get("ReferralSourceId")
    source = "a post" if form.get("ReferralSourceType") == "post" else "an advertisement"
    return f"Came from {source}: {clean_line(words, _LONGEST_LINE)}" if words else ""


def _answers(form: Form) -> list[str]:
    """Return a line for each answer in a form that was filled in on WhatsApp."""
    raw = form.get("InteractiveData")
    if not raw:
        return []
    try:
        found = list(_leaves(json.loads(raw), "", _DEEPEST_ANSWER))
    except (ValueError, RecursionError):
        return [clean_line(raw, _LONGEST_LINE)]
    more = [f"[{len(found) - _MOST_ANSWERS} more answers are not shown]"] if len(found) > _MOST_ANSWERS else []
    return [clean_line(line, _LONGEST_LINE) for line in found[:_MOST_ANSWERS]] + more


def _leaves(value: object, name: str, depth: int) -> Iterator[str]:
    """Yield what stands at the ends of nested answers, each with its question."""
    if isinstance(value, dict) and depth:
        for key, each in _questions(value):
            yield from _leaves(each, key, depth - 1)
    elif isinstance(value, list) and depth:
        for each in value:
            yield from _leaves(each, name, depth - 1)
    elif value not in ("", None) and name != "flow_token":
        text = value if isinstance(value, str) else json.dumps(value)
        yield f"{name}: {text}" if name else text


def _questions(answers: dict[str, object]) -> Iterable[tuple[str, object]]:
    """Return questions with their answers, whether as names and values or each as a `label` or `name` and a `value`."""
    question = answers.get("label") or answers.get("name")
    return [(question, answers["value"])] if "value" in answers and isinstance(question, str) else answers.items()


def _marks(form: Form) -> Iterator[str]:
    kind = clean_line(form.get("MessageType"), 50)
    if kind.lower() not in _PLAIN_KINDS:
        yield f"[sent as: {kind}]"
    if form.get("FrequentlyForwarded").lower() == "true":
        yield "[forwarded many times]"
    elif form.get("Forwarded").lower() == "true":
        yield "[forwarded]"


def _nothing(form: Form) -> str:
    """Say that there is no text, and name the fields in which there may be something that Twilio sends since lately."""
    names = dict.fromkeys(name for name in form if form.get(name) and not _SILENT.fullmatch(name))
    return f"[empty message; not shown: {clean_line(', '.join(names), 200)}]" if names else "[empty message]"
