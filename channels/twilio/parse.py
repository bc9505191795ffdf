"""From the form Twilio posted to our values. Pure; raises `Malformed` and nothing else.

Fields: https://www.twilio.com/docs/messaging/guides/webhook-request. New ones may appear at any time and are ignored.
"""

import mimetypes
from collections.abc import Iterator
from itertools import count

from channels.base import Attachment, ExternalId, InboundMessage, Parsed, RawEvent, clean_line, clean_text
from channels.errors import Malformed
from channels.twilio.consent import consent
from channels.twilio.form import Form, read_form
from channels.twilio.numbers import channel_of, external_id, sender_id, service_of
from channels.twilio.status import delivery_report


def parse(raw: RawEvent) -> tuple[Parsed, ...]:
    """Translate a stored webhook call by the kind that was noted with it."""
    form = _form(raw.payload)
    if raw.facts.get("kind") == "status":
        return delivery_report(form, str(raw.facts.get("key") or ""))
    if raw.facts.get("kind") == "message":
        return (_message(form),)
    raise Malformed("A Twilio call of an unknown kind.")


def _form(payload: bytes) -> Form:
    try:
        return read_form(payload)
    except ValueError as error:
        raise Malformed("The body is not a form of at most 200 fields.") from error


def _message(form: Form) -> InboundMessage:
    sid = form.get("MessageSid") or form.get("SmsSid")
    if not sid or not form.get("From"):
        raise Malformed("A message without an id or a sender.")
    return InboundMessage(
        external_id=ExternalId(type="twilio", value=sid),
        sender=sender_id(form),
        sender_name=clean_line(form.get("ProfileName")),
        recipients=(external_id(form.get("To")),) if form.get("To") else (),
        service=service_of(form),
        body=_body(form),
        references=_quoted(form),
        attachments=tuple(_media(form)),
        direct=True,
        consent=consent(form, channel_of(form)),
    )


def _quoted(form: Form) -> tuple[ExternalId, ...]:
    sid = form.get("OriginalRepliedMessageSid")
    return (ExternalId(type="twilio", value=sid),) if sid else ()


def _body(form: Form) -> str:
    parts = (form.get("Body") or _choice(form), _location(form), _advertisement(form))
    return clean_text("\n".join(part for part in parts if part.strip()))


def _choice(form: Form) -> str:
    """Return the label of a tapped button or list entry, for the calls that leave Body empty."""
    return form.get("ButtonText") or form.get("ListTitle") or form.get("ButtonPayload") or form.get("ListId")


def _location(form: Form) -> str:
    latitude, longitude = form.get("Latitude"), form.get("Longitude")
    if not latitude or not longitude:
        return ""
    names = [form.get("Label"), form.get("Address"), f"{latitude}, {longitude}"]
    return "Location: " + clean_line(", ".join(name for name in names if name), 1000)


def _advertisement(form: Form) -> str:
    names = [form.get("ReferralHeadline"), form.get("ReferralSourceUrl")]
    words = " ".join(name for name in names if name)
    return "Came from an advertisement: " + clean_line(words, 1000) if words else ""


def _media(form: Form) -> Iterator[Attachment]:
    for number in count():
        url = form.get(f"MediaUrl{number}")
        if not url:
            return
        kind = clean_line(form.get(f"MediaContentType{number}").lower(), 100) or "application/octet-stream"
        yield Attachment(name=_file_name(number + 1, kind), content_type=kind, url=url)


def _file_name(number: int, kind: str) -> str:
    extension = mimetypes.guess_extension(kind.partition(";")[0].strip()) or ""
    stem = "contact" if extension == ".vcf" else "media"
    return f"{stem}-{number}{extension}"
