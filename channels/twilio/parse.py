"""From the form Twilio posted to our values. Pure; raises `Malformed` and nothing else.

Fields: https://www.twilio.com/docs/messaging/guides/webhook-request. New ones may appear at any time and are ignored.
"""

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from channels.base import Attachment, ExternalId, InboundMessage, Parsed, RawEvent, clean_line
from channels.errors import Malformed
from channels.twilio.consent import consent
from channels.twilio.content import body_of
from channels.twilio.form import Form, read_form
from channels.twilio.listed import event_form, received_at
from channels.twilio.numbers import channel_of, other_ids, recipient_ids, sender_id, service_of
from channels.twilio.status import delivery_report

_MOST_MEDIA = 100
# What phones send and Python's own table lacks, or names after another program's file.
_EXTENSIONS = {
    "audio/ogg": ".ogg",
    "audio/amr": ".amr",
    "audio/aac": ".aac",
    "audio/mp4": ".m4a",
    "audio/3gpp": ".3gp",
    "video/3gpp": ".3gp",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/directory": ".vcf",
}


def parse(raw: RawEvent) -> tuple[Parsed, ...]:
    """Translate a stored webhook call by the kind that was noted with it, or a message of Twilio's list."""
    if raw.facts.get("kind") == "listed":
        return (replace(_message(event_form(raw.payload)), sent_at=received_at(raw.payload)),)
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
        also_known_as=other_ids(form),
        recipients=recipient_ids(form),
        service=service_of(form),
        body=body_of(form),
        references=_quoted(form),
        attachments=tuple(_media(form)),
        direct=True,
        consent=consent(form, channel_of(form)),
    )


def _quoted(form: Form) -> tuple[ExternalId, ...]:
    sid = form.get("OriginalRepliedMessageSid")
    return (ExternalId(type="twilio", value=sid),) if sid else ()


def _media(form: Form) -> Iterator[Attachment]:
    """Return the files, those included that are announced and have no address: they are named as missing."""
    announced = form.get("NumMedia")
    expected = min(int(announced), _MOST_MEDIA) if re.fullmatch("[0-9]{1,6}", announced) else 0
    for number in count():
        url = form.get(f"MediaUrl{number}")
        if not url and number >= expected:
            return
        kind = clean_line(form.get(f"MediaContentType{number}").lower(), 100) or "application/octet-stream"
        yield Attachment(name=_file_name(number + 1, kind), content_type=kind, url=url)


def _file_name(number: int, kind: str) -> str:
    plain = kind.partition(";")[0].strip()
    extension = _EXTENSIONS.get(plain) or mimetypes.guess_extension(plain) or ""
    stem = "contact" if extension == ".vcf" else "media"
    return f"{stem}-{number}{extension}"
