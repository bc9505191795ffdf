"""What came to a number of ours while Twilio's calls did not get through: unless told otherwise, it calls but once.

The list of messages says less than a call does: no name, no button, no quoted message. So what Twilio may still call
about is left to a later look, and whatever a call brought by then has the same key.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from operator import itemgetter
from typing import TYPE_CHECKING

from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from channels.base import ExternalId, RawEvent, bounded
from channels.errors import SendError, TryLater
from channels.phone import variants
from channels.twilio.listed import event_form
from channels.twilio.numbers import channel_of, conversation_of, is_service, wire_address
from channels.twilio.send import FAILURES, status_of
from channels.twilio.services import service_numbers

if TYPE_CHECKING:
    from twilio.rest.api.v2010.account.message import MessageInstance

# A call is repeated five times at most, and each is waited for 15 seconds at most.
STILL_CALLED = timedelta(seconds=90)
# By how much the list may lag; also longer than `STILL_CALLED`, so that what was left out is looked at again.
BEHIND = timedelta(minutes=10)
PAGE = 100
# The list is newest first, though nobody promises it to the second: after so many older ones in a row the rest is left.
ENOUGH_OLDER = 20


def missed(
    client: Client, channel: str, place: ExternalId, since: datetime, settled: timedelta = STILL_CALLED
) -> tuple[RawEvent, ...]:
    """Return what came to a number or Messaging Service after `since`, oldest first, heard or not. Raises `TryLater`.

    What came some minutes before is returned too, and what is younger than `settled` is not.
    """
    latest = datetime.now(UTC) - settled
    try:
        numbers = _numbers(client, channel, place)
        listed = (message for each in numbers for message in _received(client, each, since - BEHIND, latest))
        found = [(_received_at(message), _event(client, message)) for message in listed]
    except TryLater:
        raise
    except (*FAILURES, SendError) as error:
        raise TryLater(f"Twilio could not be asked for what came ({type(error).__name__}).") from None
    return tuple(event for _, event in sorted(found, key=itemgetter(0)))


def _numbers(client: Client, channel: str, place: ExternalId) -> Sequence[str]:
    """Return the numbers behind an address of ours, as Twilio writes them."""
    return (
        service_numbers(client, channel, place.value)
        if is_service(place)
        else [
            wire_address(channel, replace(place, value=each))
            for each in dict.fromkeys((place.value, *variants(place.value)))
        ]
    )


def _received(client: Client, number: str, earliest: datetime, latest: datetime) -> "Iterator[MessageInstance]":
    """Yield what came to one number between two moments; Twilio filters by whole days (GMT)."""
    listed = client.messages.stream(to=number, date_sent_after=earliest.date().isoformat(), page_size=PAGE)
    for message in _until_older(listed, earliest):
        whole = message.sid and message.from_ and str(message.direction) == "inbound"
        if whole and earliest <= _received_at(message) <= latest:
            yield message


def _until_older(listed: "Iterable[MessageInstance]", earliest: datetime) -> "Iterator[MessageInstance]":
    older = 0
    for message in listed:
        older = older + 1 if _received_at(message) < earliest else 0
        if older > ENOUGH_OLDER:
            return
        yield message


def _received_at(message: "MessageInstance") -> datetime:
    return message.date_sent or message.date_created or datetime.min.replace(tzinfo=UTC)


def _event(client: Client, message: "MessageInstance") -> RawEvent:
    payload = json.dumps(_resource(client, message), sort_keys=True).encode()
    form = event_form(payload)
    return RawEvent(
        channel=channel_of(form),
        external_id=bounded(form.get("MessageSid")),
        conversation=conversation_of(form),
        payload=payload,
        facts={"kind": "listed"},
    )


def _resource(client: Client, message: "MessageInstance") -> dict[str, object]:
    """Return the message under the API's own names, with the list of its files, which is a resource of its own."""
    return {
        "sid": message.sid,
        "account_sid": message.account_sid,
        "messaging_service_sid": message.messaging_service_sid,
        "from": message.from_,
        "to": message.to,
        "body": message.body,
        "date_sent": _received_at(message).isoformat(),
        "media_list": _media(client, message) if message.num_media not in {None, "", "0"} else [],
    }


def _media(client: Client, message: "MessageInstance") -> list[dict[str, object]]:
    try:
        listed = client.messages(str(message.sid)).media.list()
    except TwilioException as error:
        if status_of(error) == HTTPStatus.NOT_FOUND:  # somebody deleted them; the words are still there
            return []
        raise
    # A call names the file itself, without the ending that stands for its description.
    own = [client.api.absolute_url(str(each.uri).removesuffix(".json")) for each in listed]
    return [{"url": url, "content_type": each.content_type} for url, each in zip(own, listed, strict=True)]
