"""What Twilio must know of this desk: where to call when something comes to a number, a service or a WhatsApp sender.

Names of settings are the API's own. Nothing here asks or changes anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MESSAGES_PATH = "/webhooks/twilio/messages"
STATUS_PATH = "/webhooks/twilio/status"
# Three more calls after one that failed in any way; without it Twilio calls once. See
# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
RETRIES = "#rc=3&rp=all"


class SetupError(Exception):
    """Twilio could not be asked, or refused; the sentence says why."""


class Kind(StrEnum):
    """What an address of ours is at Twilio."""

    NUMBER = "number"
    SHORT_CODE = "short code"
    SERVICE = "messaging service"
    WHATSAPP = "whatsapp sender"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting at Twilio, as it is and as it should be."""

    name: str
    now: str
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address of ours at Twilio: its settings, the numbers behind it, and what no setting here can mend."""

    address: str
    kind: Kind
    sid: str = ""
    numbers: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    trouble: str = ""

    @property
    def changes(self) -> tuple[Setting, ...]:
        """Return the settings that are not as they should be."""
        return tuple(each for each in self.settings if each.now != each.wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Where Twilio shall call."""

    messages: str
    status: str

    @classmethod
    def at(cls, public_url: str) -> "Wanted":
        """Return the addresses of a desk whose web door the world knows by `public_url`."""
        base = public_url.rstrip("/")
        return cls(messages=f"{base}{MESSAGES_PATH}{RETRIES}", status=f"{base}{STATUS_PATH}{RETRIES}")

    def fallback(self, now: str) -> str:
        """Return where to call when nobody answers: here again, unless somebody chose a place that is no desk's."""
        foreign = now and not now.partition("#")[0].endswith(MESSAGES_PATH)
        return now if foreign else self.messages

    def of_number(self, now: Mapping[str, object]) -> tuple[Setting, ...]:
        """Compare the settings of a number: an application, if it has one, would be called in place of its address."""
        return (*self.of_short_code(now), _setting(now, "sms_application_sid", ""))

    def of_short_code(self, now: Mapping[str, object]) -> tuple[Setting, ...]:
        """Compare the settings of a short code."""
        return (
            _setting(now, "sms_url", self.messages),
            _setting(now, "sms_method", "POST"),
            _setting(now, "sms_fallback_url", self.fallback(_text(now, "sms_fallback_url"))),
            _setting(now, "sms_fallback_method", "POST"),
        )

    def of_service(self, now: Mapping[str, object]) -> tuple[Setting, ...]:
        """Compare the settings of a Messaging Service, which then takes the calls for all of its numbers."""
        return (
            _setting(now, "inbound_request_url", self.messages),
            _setting(now, "inbound_method", "POST"),
            _setting(now, "fallback_url", self.fallback(_text(now, "fallback_url"))),
            _setting(now, "fallback_method", "POST"),
            _setting(now, "status_callback", self.status),
            _setting(now, "use_inbound_webhook_on_number", "false"),
        )

    def of_sender(self, now: Mapping[str, object]) -> tuple[Setting, ...]:
        """Compare the webhook of a WhatsApp sender."""
        return (
            _setting(now, "callback_url", self.messages),
            _setting(now, "callback_method", "POST"),
            _setting(now, "fallback_url", self.fallback(_text(now, "fallback_url"))),
            _setting(now, "fallback_method", "POST"),
            _setting(now, "status_callback_url", self.status),
            _setting(now, "status_callback_method", "POST"),
        )


def _setting(now: Mapping[str, object], name: str, wanted: str) -> Setting:
    return Setting(name=name, now=_text(now, name), wanted=wanted)


def _text(now: Mapping[str, object], name: str) -> str:
    value = now.get(name)
    return str(value).lower() if isinstance(value, bool) else str(value or "")
