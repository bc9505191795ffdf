"""Slack's calls to us: who signed them, and what to store.

Events, pressed buttons and slash commands come to `/webhooks/slack/events`, `/interactivity` and `/commands`. Slack
wants an answer within 3 seconds and otherwise calls again, up to three times: the inbox's unique key makes that
harmless, so a repeated call is stored like a first one and never dropped for its retry header. A new message is known
by its channel and time mark, whatever call brought it; another event by its `event_id`.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from channels.base import RawEvent, Receipt, Request, bounded, clean_line
from channels.errors import Refused
from channels.slack.commands import interaction, interaction_conversation
from channels.slack.envelope import Envelope
from channels.slack.payload import read_form, read_json, text

MAX_BODY = 1024 * 1024
# Slack's own advice against replayed calls, in seconds either way.
MAX_AGE = 300
_TIMESTAMP = re.compile("[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class SlackWebhook:
    """The webhook of the Slack channel."""

    secret: str = field(repr=False)
    name: str = "slack"

    @property
    def missing(self) -> str:
        """Miss nothing: without its secret these calls are refused, but Slack's may come over a socket."""
        return ""

    def verify(self, request: Request) -> None:
        """Refuse what was not signed over these very bytes in the last five minutes; no kind of call is exempt.

        See https://docs.slack.dev/authentication/verifying-requests-from-slack.
        """
        if not self.secret:
            raise Refused(401, "SLACK_SIGNING_SECRET is not set, so no call can be verified.")
        if len(request.body) > MAX_BODY:
            raise Refused(413, "The body is too large.")
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        if not _TIMESTAMP.fullmatch(timestamp) or abs(time.time() - int(timestamp)) > MAX_AGE:
            raise Refused(401, "The call is too old, or does not say when it was made.")
        signature = request.headers.get("x-slack-signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(signature, sign(self.secret, timestamp, request.body)):
            raise Refused(401, "The signature does not fit.")

    def receive(self, request: Request) -> Receipt:
        """Take a call by its path; other paths are refused with 404, unreadable bodies with 400."""
        receivers = {
            "/webhooks/slack/events": receive_event,
            "/webhooks/slack/interactivity": receive_interaction,
            "/webhooks/slack/commands": receive_command,
        }
        if request.path not in receivers:
            raise Refused(404, "There is no such address.")
        try:
            return receivers[request.path](request.body)
        except ValueError as error:
            raise Refused(400, "The body is not what Slack sends.") from error


def sign(secret: str, timestamp: str, body: bytes) -> bytes:
    """Return the signature Slack gives to a body at a time, in seconds."""
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return b"v0=" + digest.hexdigest().encode()


def receive_event(body: bytes) -> Receipt:
    """Take an event's envelope; raises `ValueError`."""
    envelope = Envelope(read_json(body))
    kind = text(envelope.json, "type")
    if kind == "url_verification":
        return Receipt(body=clean_line(text(envelope.json, "challenge"), 1000))
    if kind != "event_callback" or not envelope.for_us:
        return Receipt()
    identity = envelope.message_key or text(envelope.json, "event_id") or _fingerprint(body)
    facts = {"kind": "event", **({"changes": envelope.changes} if envelope.changes else {})}
    return _stored(facts, identity, envelope.conversation, body)


def receive_interaction(body: bytes) -> Receipt:
    """Take the form of a button, modal or shortcut; raises `ValueError`."""
    return _stored({"kind": "interaction"}, _fingerprint(body), interaction_conversation(interaction(body)), body)


def receive_command(body: bytes) -> Receipt:
    """Take the form of a slash command; raises `ValueError`."""
    form = read_form(body)
    if not form.get("command"):  # Slack also calls here to see whether the certificate is good
        return Receipt()
    where = (form.get("team_id", ""), form.get("channel_id", ""), form.get("user_id", ""))
    return _stored({"kind": "command"}, _fingerprint(body), "/".join(where), body)


def _stored(facts: Mapping[str, str], identity: str, conversation: str, body: bytes) -> Receipt:
    event = RawEvent(
        channel="slack",
        external_id=bounded(identity),
        conversation=bounded(conversation),
        payload=body,
        facts=facts,
    )
    return Receipt(events=(event,))


def _fingerprint(body: bytes) -> str:
    """Return a hash of the whole body: its `trigger_id` differs with every click, and Slack's repetitions keep it."""
    return "sha256:" + hashlib.sha256(body).hexdigest()
