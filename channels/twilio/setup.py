"""Reading and changing where Twilio calls: numbers, short codes, Messaging Services and WhatsApp senders.

Every call is one of the operator's own, so a failure is a sentence for them: `SetupError`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from twilio.base.exceptions import TwilioException

from channels.base import ExternalId
from channels.errors import ChannelError
from channels.twilio.account import Account
from channels.twilio.endpoints import Endpoint, Kind, SetupError, Wanted
from channels.twilio.numbers import is_service, wire_address
from channels.twilio.send import FAILURES, rest_client, status_of
from channels.twilio.services import service_numbers
from channels.twilio.troubles import trouble

if TYPE_CHECKING:
    from twilio.rest.messaging.v1.service import ServiceInstance
    from twilio.rest.messaging.v2.channels_sender import ChannelsSenderInstance

_E164_SIGN = "+"
_BY_HAND = (
    "is no WhatsApp sender that Twilio's API shows. Where the console does (Messaging, Senders, WhatsApp senders; the "
    "sandbox's number: Messaging, Try it out, Sandbox settings), set incoming messages to {}"
)
_OVERRULED = (
    "is in the Messaging Service {0}, whose address is called in place of its own: give the department {0} in place of "
    "the number, or set the service's integration to \"Defer to sender's webhook\""
)


class Setup:
    """The account's settings, compared with what this desk needs."""

    def __init__(self, account: Account, public_url: str) -> None:
        self._client = rest_client(account)
        self._wanted = Wanted.at(public_url)

    def look(self, channel: str, place: ExternalId) -> Endpoint:
        """Return what an address of ours is at Twilio. Raises `SetupError`."""
        with _failures():
            if is_service(place):
                return self._service(channel, place)
            if channel == "whatsapp":
                return self._sender(place)
            return self._number(place) if place.value.startswith(_E164_SIGN) else self._short_code(place)

    def change(self, endpoint: Endpoint) -> None:
        """Set what is not as it should be, and nothing else. Raises `SetupError`."""
        values = {each.name: each.wanted for each in endpoint.changes}
        with _failures():
            if values:
                self._update[endpoint.kind](endpoint, values)

    def last(self, endpoint: Endpoint) -> tuple[datetime | None, datetime | None]:
        """Return when the last message came to an address, and when one went out from it. Raises `SetupError`."""
        with _failures():
            came = [self._newest(to=each) for each in endpoint.numbers]
            went = [self._newest(from_=each) for each in endpoint.numbers]
        return max(filter(None, came), default=None), max(filter(None, went), default=None)

    def _newest(self, **ends: str) -> datetime | None:
        newest = self._client.messages.list(limit=1, **ends)
        return newest[0].date_sent or newest[0].date_created if newest else None

    def _number(self, place: ExternalId) -> Endpoint:
        listed = self._client.incoming_phone_numbers.list(phone_number=place.value, limit=20)
        found = next((each for each in listed if each.phone_number == place.value), None)
        if found is None:
            return _unknown(place.value, Kind.NUMBER, "is no number of this Twilio account")
        return Endpoint(
            address=place.value,
            kind=Kind.NUMBER,
            sid=str(found.sid),
            numbers=(place.value,),
            settings=self._wanted.of_number(vars(found)),
            trouble=self._overruled(place.value),
        )

    def _short_code(self, place: ExternalId) -> Endpoint:
        listed = self._client.short_codes.list(short_code=place.value, limit=20)
        found = next((each for each in listed if each.short_code == place.value), None)
        if found is None:
            return _unknown(place.value, Kind.SHORT_CODE, "is no short code of this Twilio account")
        return Endpoint(
            address=place.value,
            kind=Kind.SHORT_CODE,
            sid=str(found.sid),
            numbers=(place.value,),
            settings=self._wanted.of_short_code(vars(found)),
            trouble=self._overruled(place.value),
        )

    def _service(self, channel: str, place: ExternalId) -> Endpoint:
        sid = place.value
        found = self._services.get(sid)
        if found is None:
            return _unknown(sid, Kind.SERVICE, "is no Messaging Service of this Twilio account")
        return Endpoint(
            address=sid,
            kind=Kind.SERVICE,
            sid=sid,
            numbers=tuple(service_numbers(self._client, channel, sid)),
            settings=self._wanted.of_service(vars(found)),
        )

    def _sender(self, place: ExternalId) -> Endpoint:
        address = wire_address("whatsapp", place)
        found = self._senders.get(address)
        if found is None:
            return _unknown(address, Kind.WHATSAPP, _BY_HAND.format(self._wanted.messages))
        return Endpoint(
            address=address,
            kind=Kind.WHATSAPP,
            sid=str(found.sid),
            numbers=(address,),
            settings=self._wanted.of_sender(_webhook(found)),
        )

    def _overruled(self, number: str) -> str:
        """Return why a number's own address is never called, an empty text when it is."""
        service = self._services.get(self._service_of.get(number, ""))
        if service is None or service.use_inbound_webhook_on_number:
            return ""
        if service.inbound_request_url == self._wanted.messages:
            return ""
        return _OVERRULED.format(service.sid)

    @cached_property
    def _services(self) -> "dict[str, ServiceInstance]":
        return {str(each.sid): each for each in self._client.messaging.v1.services.list()}

    @cached_property
    def _service_of(self) -> dict[str, str]:
        return {number: sid for sid in self._services for number in service_numbers(self._client, "sms", sid)}

    @cached_property
    def _senders(self) -> "dict[str, ChannelsSenderInstance]":
        listed = self._client.messaging.v2.channels_senders.list(channel="whatsapp")
        return {str(each.sender_id): each for each in listed}

    @property
    def _update(self) -> Mapping[Kind, Callable[[Endpoint, Mapping[str, str]], object]]:
        return {
            Kind.NUMBER: lambda one, values: self._client.incoming_phone_numbers(one.sid).update(**values),
            Kind.SHORT_CODE: lambda one, values: self._client.short_codes(one.sid).update(**values),
            Kind.SERVICE: self._update_service,
            Kind.WHATSAPP: self._update_sender,
        }

    def _update_service(self, endpoint: Endpoint, values: Mapping[str, str]) -> None:
        self._services[endpoint.sid] = self._client.messaging.v1.services(endpoint.sid).update(**values)

    def _update_sender(self, endpoint: Endpoint, values: Mapping[str, str]) -> None:
        now = _webhook(self._senders[endpoint.address])
        self._client.messaging.v2.channels_senders(endpoint.sid).update(_OnlyWebhook({**now, **values}))


class _OnlyWebhook:
    """A change of a sender's webhook alone: the library's own class would also send an empty profile."""

    def __init__(self, webhook: Mapping[str, object]) -> None:
        self._webhook = webhook

    def to_dict(self) -> dict[str, object]:
        """Return what the API is sent."""
        return {"webhook": dict(self._webhook)}


def _webhook(sender: "ChannelsSenderInstance") -> Mapping[str, object]:
    webhook: object = sender.webhook
    return webhook if isinstance(webhook, dict) else {}


def _unknown(address: str, kind: Kind, words: str) -> Endpoint:
    return Endpoint(address=address, kind=kind, trouble=words)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what the library and the network raise into a sentence that holds no number and no token."""
    try:
        yield
    except ChannelError as error:
        raise SetupError(str(error)) from None
    except TwilioException as error:
        raise SetupError(_refusal(error)) from None
    except FAILURES as error:
        raise SetupError(f"Twilio could not be reached, or not be understood ({type(error).__name__}).") from None


def _refusal(error: TwilioException) -> str:
    status, code = status_of(error), str(getattr(error, "code", None) or "")
    if status == HTTPStatus.UNAUTHORIZED:
        return trouble("20003").words
    return f"Twilio refused it ({code or status or type(error).__name__}). See https://www.twilio.com/docs/api/errors"
