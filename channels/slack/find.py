"""Looking up a send whose outcome is unclear, by what only that send carries."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from slack_sdk.web import WebClient

from channels.base import ExternalId, OutboundMessage
from channels.errors import Undeliverable
from channels.slack.client import Me, only_later
from channels.slack.ids import Place, file_id, slack_id
from channels.slack.pages import pages
from channels.slack.payload import Json, child, children, text, ts
from channels.slack.send import METADATA_TYPE, file_name, open_place

# Our clock may be a little ahead of Slack's.
CLOCK_SLACK = timedelta(seconds=5)


def find_sent(client: WebClient, me: Me, outbound: OutboundMessage, since: datetime) -> tuple[ExternalId, ...]:
    """Return what is in the thread or channel of this send, oldest first. Raises `TryLater`."""
    with only_later():
        where = open_place(client, outbound.to)
        messages = _history(client, where, outbound.thread, since)
    if outbound.attachments:
        return tuple(_shared_files(messages, me, where, outbound))
    found = [message for message in messages if _carries(message, outbound.idempotency_key)]
    return tuple(slack_id(where.team, where.id, ts(message)) for message in found)


def _carries(message: Json, key: str) -> bool:
    metadata = child(message, "metadata")
    return text(metadata, "event_type") == METADATA_TYPE and text(child(metadata, "event_payload"), "delivery") == key


def _shared_files(messages: list[Json], me: Me, where: Place, outbound: OutboundMessage) -> Iterator[ExternalId]:
    """Find a share by its author and file names, since a share carries no metadata."""
    wanted = sorted(file_name(attachment) for attachment in outbound.attachments)
    for message in messages:
        files = children(message, "files")
        if text(message, "user") == me.user and sorted(text(file, "name") for file in files) == wanted:
            yield file_id(where.team, text(files[0], "id"))


def _history(client: WebClient, where: Place, thread: str, since: datetime) -> list[Json]:
    try:
        return sorted(_messages(client, where, thread, since), key=ts)
    except Undeliverable as error:
        if error.code == "thread_not_found":
            return []
        raise


def _messages(client: WebClient, where: Place, thread: str, since: datetime) -> Iterator[Json]:
    for page in pages(client, where, thread, since - CLOCK_SLACK):
        yield from children(page, "messages")
