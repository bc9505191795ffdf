"""Twilio's calls to us: who signed them, and what to store.

`/webhooks/twilio/messages` brings what clients write, `/webhooks/twilio/status/<our key>` what became of ours.
Services and WhatsApp senders call it without a key: then the message's SID says which one it is about.
Nothing here retries: Twilio calls again only if the address carries `#rc=…`, and a second call has the same id.
"""

import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from twilio.request_validator import (
    RequestValidator,
    get_signature_algorithm,
)

from channels.base import RawEvent, Receipt, Request, bounded
from channels.errors import Refused
from channels.twilio.form import Form, read_form
from channels.twilio.numbers import channel_of, conversation_of

MAX_BODY = 1024 * 1024
_MESSAGES = "/webhooks/twilio/messages"
_STATUS = re.compile(r"/webhooks/twilio/status(?:/([0-9A-Za-z.-]{1,100}))?")


@dataclass(frozen=True, slots=True)
class TwilioWebhook:
    """The webhook of both channels."""

    token: str = field(repr=False)
    # Others that sign: of shared keys, or the account's other token while one takes the other's place.
    more_secrets: tuple[str, ...] = field(default=(), repr=False)
    name: str = "twilio"

    @property
    def missing(self) -> str:
        """Name the token unless it is set."""
        return "" if self.token else "TWILIO_AUTH_TOKEN"

    def verify(self, request: Request) -> None:
        """Refuse what was not signed with a secret of ours, over the public URL and every field or the body's hash.

        See https://www.twilio.com/docs/usage/security#validating-requests.
        """
        if not self.token:
            raise Refused(403, "TWILIO_AUTH_TOKEN is not set, so no call can be verified.")
        if len(request.body) > MAX_BODY:
            raise Refused(413, "The body is too large.")
        if not any(_signed(request, secret) for secret in (self.token, *self.more_secrets)):
            raise Refused(403, "The signature does not fit.")

    def receive(self, request: Request) -> Receipt:
        """Take a message or a status report; other paths are refused with 404, unreadable forms with 400."""
        path = request.path.removesuffix("/")
        status = _STATUS.fullmatch(path)
        if not status and path != _MESSAGES:
            raise Refused(404, "There is no such address.")
        form = _form(request.body)
        event = _status_event(form, request, status[1] or "") if status else _message_event(form, request)
        return Receipt(events=(event,), body="<Response/>", content_type="text/xml")


def _signed(request: Request, secret: str) -> bool:
    headers = request.headers
    algorithm = get_signature_algorithm(headers.get("x-twilio-webhooks-signature-settings"))
    try:
        fields = _signed_fields(request)
        signature = headers.get("x-twilio-signature", "")
        validator = RequestValidator(secret)
        return any(validator.validate(url, fields, signature, algorithm) for url in _urls(request.url))
    except Exception:  # noqa: BLE001 (the library raises many things on junk, and none of them is a signature)
        return False


def _urls(url: str) -> tuple[str, ...]:
    """Return the address as it is configured, and with its host in lower case, which is the same host."""
    parts = urlsplit(url)
    return (url, urlunsplit(parts._replace(netloc=parts.netloc.lower())))


def _signed_fields(request: Request) -> Form | str:
    if "json" in request.headers.get("content-type", ""):
        return request.body.decode()  # signed through `bodySHA256` in the query
    return read_form(request.body)


def _form(body: bytes) -> Form:
    try:
        return read_form(body)
    except ValueError as error:
        raise Refused(400, "The body is not a form of at most 200 fields.") from error


def _message_event(form: Form, request: Request) -> RawEvent:
    return RawEvent(
        channel=channel_of(form),
        external_id=bounded(form.get("MessageSid") or form.get("SmsSid") or _fingerprint(request.body)),
        conversation=conversation_of(form),
        payload=request.body,
        facts={"kind": "message", "key": ""},
    )


def _status_event(form: Form, request: Request, key: str) -> RawEvent:
    sid = form.get("MessageSid") or form.get("SmsSid") or _fingerprint(request.body)
    status = form.get("MessageStatus") or form.get("SmsStatus")
    return RawEvent(
        channel=channel_of(form),
        external_id=bounded(f"status:{sid}:{status}{key and f':{key}'}"),
        conversation=bounded(sid),
        payload=request.body,
        facts={"kind": "status", "key": key},
    )


def _fingerprint(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()
