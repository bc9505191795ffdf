"""What was said in a channel while nobody heard Slack's calls: Slack gives up on a call after three repetitions.

Threads are found by their first message, which says when the last answer to it came. Methods: `conversations.history`
and `conversations.replies`, some fifty calls a minute.
"""

import json
from collections.abc import Iterator
from datetime import datetime

from slack_sdk.web import WebClient

from channels.base import THREADS_LISTED, ExternalId, RawEvent
from channels.errors import Undeliverable
from channels.slack.client import Me
from channels.slack.ids import Place, place
from channels.slack.pages import TooLongError, pages
from channels.slack.payload import Json, children, moment, ts
from channels.slack.webhook import receive_event

_GONE = "thread_not_found"


def missed(client: WebClient, me: Me, channel: ExternalId, since: datetime) -> tuple[RawEvent, ...]:
    """Return what people said in a channel and its threads after `since`, oldest first, as the door would store it.

    Of a channel's threads, those that began in the last 30 days; an older one is asked for by its own name. What the
    door has stored already has the same key, so that storing it again is harmless. Raises `TryLater`.
    """
    where = place(channel)
    messages = _thread(client, where, where.ts, since) if where.ts else _messages(client, where, since)
    said = {ts(message): message for message in messages}
    return tuple(event for mark in sorted(said) for event in receive_event(_envelope(me, where, said[mark])).events)


def _messages(client: WebClient, where: Place, since: datetime) -> Iterator[Json]:
    for root in _roots(client, where, since):
        if _after(root, "ts", since):
            yield root
        if _after(root, "latest_reply", since):
            yield from _thread(client, where, ts(root), since)


def _thread(client: WebClient, where: Place, root: str, since: datetime) -> Iterator[Json]:
    """Yield what was said in a thread; in one whose first message is gone that is nothing."""
    try:
        for message in _page_messages(client, where, root, since):
            if _after(message, "ts", since):
                yield message
    except Undeliverable as error:
        if error.code != _GONE:
            raise


def _roots(client: WebClient, where: Place, since: datetime) -> Iterator[Json]:
    """Yield threads' first messages, newest first: of a busy channel as far as is read, if that is back to `since`."""
    reached = False
    try:
        for root in _page_messages(client, where, "", since - THREADS_LISTED):
            reached = reached or not _after(root, "ts", since)
            yield root
    except TooLongError:
        if not reached:
            raise


def _page_messages(client: WebClient, where: Place, thread: str, oldest: datetime) -> Iterator[Json]:
    for page in pages(client, where, thread, oldest):
        yield from (message for message in children(page, "messages") if ts(message))


def _after(message: Json, key: str, since: datetime) -> bool:
    mark = ts(message, key)
    return bool(mark) and moment(mark) > since


def _envelope(me: Me, where: Place, message: Json) -> bytes:
    """Wrap a message as the Events API does."""
    kind = {"D": "im", "G": "group"}.get(where.id[:1], "channel")
    envelope = {
        "type": "event_callback",
        "team_id": me.team,
        "authorizations": [{"team_id": me.team, "user_id": me.user, "is_bot": True}],
        "event": {**message, "type": "message", "channel": where.id, "channel_type": kind},
    }
    return json.dumps(envelope, sort_keys=True).encode()
