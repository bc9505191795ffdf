"""The account at work: texts go out and become delivered, texts come in, and the web door hears of both."""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sandbox.ledger import Ledger
from sandbox.outgoing import Answer
from sandbox.settings import Settings
from sandbox.twilio import rules
from sandbox.twilio.directory import Directory
from sandbox.twilio.errors import TwilioError
from sandbox.twilio.media import refusal
from sandbox.twilio.messages import API, Media, Message, Messages, new_sid
from sandbox.twilio.twiml import replies
from sandbox.webhooks import Webhook, Webhooks
from sandbox.wire import encoded, now

Then = Callable[[Answer], None] | None
Steps = list[tuple[str, tuple[int, str] | None]]

ANSWER_WITHIN = 15.0  # seconds, twilio.com/docs/usage/webhooks/webhooks-connection-overrides
OUTSIDE_WINDOW = (63016, "Failed to send freeform message because you are outside the allowed window.")
LANDLINE = (30006, "Landline or unreachable carrier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the account does; control calls change it.

    `window` says how WhatsApp's 24 hours are held: `off`, `answer` (the call is refused) or `callback` (the message
    fails later). `delay` is the pause before each status. `failing` are numbers that end `undelivered` with a code.
    `redirect_media` sends downloads on to another address, as Twilio does. `list_behind` is how many seconds old a text
    is before the list of texts shows it.
    """

    window: str = "off"
    delay: float = 0.05
    redirect_media: bool = False
    list_behind: float = 0.0
    failing: Mapping[str, int] = field(default_factory=lambda: {"+15005550001": LANDLINE[0]})


# What WhatsApp has approved, and one that it has not: {name: (language, body, status)}.
TEMPLATES = {
    "order_update": (
        "en",
        "Hello {{1}}, there is news about your order {{2}}. Reply to this message to go on.",
        "approved",
    ),
    "feedback": ("en", "We are sorry that it took so long. Are you still waiting for us?", "approved"),
    "summer_sale": ("en", "Everything must go, {{1}}!", "rejected"),
}


class Account:
    """One account with its numbers; any number of ours may send and receive."""

    def __init__(self, settings: Settings, ledger: Ledger, webhooks: Webhooks) -> None:
        self.settings = settings
        self.messages = Messages()
        self.habits = Habits()
        self.directory = Directory()
        self._ledger = ledger
        self._webhooks = webhooks
        self._opted_out: set[tuple[str, str]] = set()
        self._heard: dict[str, datetime] = {}

    @property
    def sid(self) -> str:
        """Return the account's SID."""
        return self.settings.twilio_account_sid

    def send(self, given: Mapping[str, str], media: list[str]) -> Message:
        """Take a text to send. Raises `TwilioError`."""
        rules.check(given, media)
        to, sender, service = given["To"], given.get("From", ""), given.get("MessagingServiceSid", "")
        if (to, sender or service) in self._opted_out:
            raise TwilioError(400, 21610, "Attempt to send to unsubscribed recipient")
        outside = self._outside_window(given)
        if outside and self.habits.window == "answer":
            raise TwilioError(400, *OUTSIDE_WINDOW)
        message = self._outbound(given, media, "outbound-api")
        steps: Steps = [("failed", OUTSIDE_WINDOW)] if outside else self._future(message)
        callback = given.get("StatusCallback", "")
        self._webhooks.fetch(
            media, lambda found: self._next_step(message, self._kept(message, media, found) or steps, callback)
        )
        return message

    def receive(
        self, *, sender: str, to: str, body: str, media: list[Media], extra: Mapping[str, str], ago: float = 0.0
    ) -> Message:
        """Let a phone write to us; an answer in TwiML or plain text goes back to it, as with Twilio.

        With `ago`, it did so that many seconds ago, and only the call about it comes now.
        """
        at = now() - timedelta(seconds=ago)
        message = Message(
            account=self.sid,
            direction="inbound",
            sender=sender,
            to=to,
            body=body,
            status="received",
            sid=new_sid("MM" if media else "SM"),
            media_count=len(media),
            media=media,
            created=at,
            sent=at,
        )
        self.messages.add(message)
        self._heed(message)
        fields = {**self._inbound_fields(message), **extra}
        url = f"{self.settings.public_url}/webhooks/twilio/messages"
        self._call("twilio/messages", f"twilio:{sender}", url, fields, lambda answer: self._reply(message, answer))
        return message

    def media_url(self, message: Message, media: Media) -> str:
        """Return where a file that came in can be fetched."""
        return f"{self.settings.own_url}/twilio{message.path}/Media/{media.sid}"

    def _outbound(self, given: Mapping[str, str], media: list[str], direction: str) -> Message:
        service = given.get("MessagingServiceSid", "")
        message = Message(
            account=self.sid,
            direction=direction,
            sender="" if service else given.get("From", ""),
            to=given["To"],
            body=_text(given),
            status="accepted" if service else "queued",
            sid=new_sid("MM" if media else "SM"),
            service=service,
            media_count=len(media),
        )
        self.messages.add(message)
        details: dict[str, object] = {
            "sid": message.sid,
            "to": message.to,
            "from": message.sender,
            "body": message.body,
            "media": media,
        }
        details |= {"direction": direction, "parameters": dict(given)}
        self._ledger.add("twilio", "message", details)
        return message

    def _kept(self, message: Message, urls: list[str], found: list[Answer]) -> Steps:
        for url, got in zip(urls, found, strict=True):
            details = {"sid": message.sid, "to": message.to, "url": url, "status": got.status}
            details |= {"content_type": got.headers.get("content-type", ""), "content_base64": encoded(got.content)}
            self._ledger.add("twilio", "media", details)
        why = refusal(message.to, found)
        return [("failed", why)] if why else []

    def _future(self, message: Message) -> Steps:
        code = self.habits.failing.get(message.to.removeprefix(rules.WHATSAPP))
        if code is not None:
            text = LANDLINE[1] if code == LANDLINE[0] else "The message was not delivered"
            return [("sent", None), ("undelivered", (code, text))]
        read = [("read", None)] if message.to.startswith(rules.WHATSAPP) else []
        return [("sent", None), ("delivered", None), *read]

    def _next_step(self, message: Message, steps: Steps, callback: str) -> None:
        if steps:
            self._webhooks.later(self.habits.delay, lambda: self._step(message, steps, callback))

    def _step(self, message: Message, steps: Steps, callback: str) -> None:
        message.status, message.error = steps[0]
        message.updated = now()
        message.sent = message.sent or message.updated
        if callback:
            self._call("twilio/status", f"twilio:{message.sid}", callback, self._status_fields(message), None)
        self._next_step(message, steps[1:], callback)

    def _status_fields(self, message: Message) -> dict[str, str]:
        fields = {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": message.status,
            "SmsStatus": message.status,
        }
        fields |= {"AccountSid": self.sid, "From": message.sender, "To": message.to, "ApiVersion": API}
        if message.service:
            fields["MessagingServiceSid"] = message.service
        if message.error:
            fields |= {"ErrorCode": str(message.error[0]), "ErrorMessage": message.error[1]}
        if message.to.startswith(rules.WHATSAPP):
            fields |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": message.to.removeprefix(rules.WHATSAPP)}
        return fields | ({"EventType": "READ"} if message.status == "read" else {})

    def _inbound_fields(self, message: Message) -> dict[str, str]:
        fields = {
            "ToCountry": "",
            "SmsMessageSid": message.sid,
            "NumMedia": str(message.media_count),
            "SmsSid": message.sid,
        }
        fields |= {"SmsStatus": "received", "Body": message.body, "To": message.to, "From": message.sender}
        fields |= {"NumSegments": str(rules.segments(message.body)), "MessageSid": message.sid}
        fields |= {"AccountSid": self.sid, "ApiVersion": API}
        for place, media in enumerate(message.media):
            fields |= {
                f"MediaUrl{place}": self.media_url(message, media),
                f"MediaContentType{place}": media.content_type,
            }
        return fields

    def _reply(self, message: Message, answer: Answer) -> None:
        for text in replies(answer.headers.get("content-type", ""), answer.text):
            given = {"To": message.sender, "From": message.to, "Body": text}
            self._next_step(reply := self._outbound(given, [], "outbound-reply"), self._future(reply), "")

    def _heed(self, message: Message) -> None:
        self._heard[message.sender] = now()
        word = message.body.strip().lower()
        if word in rules.STOP_WORDS and not message.sender.startswith(rules.WHATSAPP):
            self._opted_out.add((message.sender, message.to))
        if word in rules.START_WORDS:
            self._opted_out.discard((message.sender, message.to))

    def _outside_window(self, given: Mapping[str, str]) -> bool:
        free = given["To"].startswith(rules.WHATSAPP) and not given.get("ContentSid")
        return free and self.habits.window != "off" and not rules.within_window(self._heard.get(given["To"]))

    def _call(self, name: str, lane: str, url: str, fields: Mapping[str, str], then: Then) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "User-Agent": "TwilioProxy/1.1"}
        headers |= {"X-Twilio-Signature": sign(self.settings.twilio_auth_token, url, fields)}
        headers |= {"I-Twilio-Idempotency-Token": str(uuid.uuid4())}
        self._webhooks.queue(
            Webhook(
                name=name,
                lane=lane,
                url=url,
                body=urlencode(fields).encode(),
                headers=lambda: headers,
                timeout=ANSWER_WITHIN,
                then=then,
            )
        )


def _text(given: Mapping[str, str]) -> str:
    """Return how a text reads, of a template with its variables filled in. Raises `TwilioError`."""
    if "ContentSid" not in given:
        return given.get("Body", "")
    template = next((name for name in TEMPLATES if content_sid(name) == given["ContentSid"]), None)
    if template is None:
        raise TwilioError(400, 21655, "The ContentSid is Invalid")
    return rules.filled_in(TEMPLATES[template][1], given.get("ContentVariables") or "{}")


def content_sid(template: str) -> str:
    """Return the SID of a template, the same at every start."""
    return "HX" + hashlib.md5(template.encode(), usedforsecurity=False).hexdigest()


def sign(token: str, url: str, fields: Mapping[str, str]) -> str:
    """Return the signature over the address as called and every field in order of its name."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
