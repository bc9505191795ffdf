"""Sending through Twilio's REST API, and looking up what was sent.

In: an `OutboundMessage`. Out: the message's SID. The caller retries; nothing here and nothing below does. Twilio has no
idempotency key for messages, so whatever may have been written to the wire is `Unclear`.
"""

import json
import logging
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests
import urllib3
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, RequestException
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from channels.base import ExternalId, OutboundMessage
from channels.download import seconds
from channels.errors import SendError, Stopped, TooMany, TryLater, Unclear, Undeliverable, WindowClosed
from channels.twilio.account import Account
from channels.twilio.numbers import is_service, wire_address
from channels.twilio.troubles import trouble

if TYPE_CHECKING:
    from twilio.rest.api.v2010.account.message import MessageInstance

TIMEOUT = 10.0
LOOKED_AT = 100
# Twilio counts in whole seconds, and our clock may be a little ahead of theirs.
CLOCK_SLACK = timedelta(seconds=2)
_TRIAL_PREFIX = "Sent from your Twilio trial account - "

# The library writes numbers and headers at INFO; every failure reaches us as an exception anyway.
_QUIET = logging.getLogger("channels.twilio.library")
_QUIET.setLevel(logging.CRITICAL)


def rest_client(account: Account) -> Client:
    """Build a client with a timeout, without retries, and with a connection of its own for every request."""
    http = TwilioHttpClient(timeout=TIMEOUT, logger=_QUIET, request_hooks={"response": [_refuse_when_busy]})
    # A kept connection that the other side closed in the meantime looks like a lost answer, and would be `Unclear`.
    http.session.headers["Connection"] = "close"
    # Given as an environment so that TWILIO_EDGE and TWILIO_REGION of the process cannot redirect a configured address.
    client = Client(
        http_client=http, environment={"TWILIO_ACCOUNT_SID": account.sid, "TWILIO_AUTH_TOKEN": account.token}
    )
    client.api.base_url = account.url_of("api")
    client.content.base_url = account.url_of("content")
    client.messaging.base_url = account.url_of("messaging")
    return client


def _refuse_when_busy(response: requests.Response, **_: object) -> None:
    """Raise here, because the library's own error has lost the Retry-After header."""
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        response.close()
        raise TooMany(
            "Twilio takes no more requests just now.", retry_after=seconds(response.headers.get("retry-after"))
        )


def send(client: Client, channel: str, outbound: OutboundMessage) -> ExternalId:
    """Create the message once and return its SID. Raises a `SendError`."""
    if outbound.sender is None:
        raise Undeliverable("No number of ours is set for this department.", code="no_sender")
    wanted = {
        "status_callback": outbound.callback_url,
        **_content(outbound),
        **_sender(channel, outbound.sender),
    }
    try:
        message = client.messages.create(
            to=wire_address(channel, outbound.to), **{name: value for name, value in wanted.items() if value}
        )
    except FAILURES as error:
        # Without the cause: its text holds the number, and a traceback would carry it into the logs.
        raise send_error(error) from None
    return _sid(message)


def _sid(message: "MessageInstance") -> ExternalId:
    if not isinstance(message.sid, str) or not message.sid:
        raise Unclear("Twilio answered without a message id.")
    return ExternalId(type="twilio", value=message.sid)


def _content(outbound: OutboundMessage) -> dict[str, object]:
    """Return what is sent: a template goes by its id, and with a text beside it would be refused (63016)."""
    if outbound.template:
        return {"content_sid": outbound.template, "content_variables": json.dumps(dict(outbound.filled))}
    return {"media_url": list(outbound.media_urls), "body": outbound.body}


def _sender(channel: str, sender: ExternalId) -> dict[str, str]:
    """Return who sends, as Twilio's client names it: a service picks the number the client knows us by."""
    if is_service(sender):
        return {"messaging_service_sid": sender.value}
    return {"from_": wire_address(channel, sender)}


def find_sent(client: Client, channel: str, outbound: OutboundMessage, since: datetime) -> tuple[ExternalId, ...]:
    """Return the messages between these two numbers with this very text since `since`, oldest first.

    Raises `TryLater`. The date is compared here: Twilio's own filter is by DateSent, which a queued message lacks.
    """
    if outbound.sender is None:
        return ()
    service = outbound.sender.value if is_service(outbound.sender) else None
    # Which of its numbers a service takes shows only once the message is under way.
    sender = {} if service else _sender(channel, outbound.sender)
    try:
        messages = client.messages.list(to=wire_address(channel, outbound.to), limit=LOOKED_AT, **sender)
        found = [
            message
            for message in messages
            if _fits(message, outbound.body, since - CLOCK_SLACK) and service in {None, message.messaging_service_sid}
        ]
    except (*FAILURES, SendError) as error:
        raise TryLater(f"Twilio could not be asked for sent messages ({type(error).__name__}).") from None
    found.sort(key=lambda message: message.date_created)
    return tuple(_sid(message) for message in found)


def _fits(message: "MessageInstance", body: str, earliest: datetime) -> bool:
    # Cut to the whole second, as Twilio writes its dates.
    created = message.date_created or datetime.min.replace(tzinfo=UTC)
    return (
        str(message.direction).startswith("outbound")
        and created >= earliest.replace(microsecond=0)
        and (message.body or "").removeprefix(_TRIAL_PREFIX).strip() == body.strip()
    )


# What the library lets through besides its own: requests' errors, and whatever reading a strange answer raises.
FAILURES = (
    TwilioException,
    RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
)


def status_of(error: TwilioException) -> int:
    """Return the HTTP status of a refusal, 0 without one: the library keeps it in one of two places."""
    response = error.args[1] if len(error.args) > 1 else None
    return int(getattr(error, "status", 0) or getattr(response, "status_code", 0))


def send_error(error: Exception) -> SendError:
    """Class a failure by whether the message can exist."""
    if isinstance(error, TwilioRestException | TwilioServiceException):
        return _answered(error.status, str(error.code or ""), str(getattr(error, "msg", "")))
    if isinstance(error, RequestException) and _never_left(error):
        return TryLater("Twilio could not be reached.")
    return Unclear(f"The connection to Twilio broke, or its answer could not be read ({type(error).__name__}).")


def _answered(status: int, code: str, text: str) -> SendError:
    meaning = trouble(code, text)
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unclear(f"Twilio answered {status}.")
    if meaning.window_closed:
        return WindowClosed(meaning.words)
    if meaning.stopped:
        return Stopped(meaning.words)
    if meaning.too_many:
        return TooMany(meaning.words)
    if meaning.later:
        return TryLater(meaning.words)
    return Undeliverable(
        f"{meaning.words} (Twilio {code or status})",
        code=code,
        bad_address=meaning.bad_address,
        opted_out=meaning.opted_out,
    )


def _never_left(error: RequestException) -> bool:
    """Say whether the failure came before a connection stood, which is certain for these kinds only."""
    if isinstance(error, ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, RequestsConnectionError) and isinstance(reason, urllib3.exceptions.NewConnectionError)
