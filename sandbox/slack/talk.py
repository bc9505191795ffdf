"""What has been said: messages by channel and `ts`, with the fields Slack keeps about threads, edits and reactions."""

import time
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from sandbox.slack.errors import SlackError
from sandbox.slack.world import BOT_USER
from sandbox.wire import Json

TOMBSTONE = {
    "type": "message",
    "subtype": "tombstone",
    "user": "USLACKBOT",
    "text": "This message was deleted.",
    "hidden": True,
}
OF_THE_THREAD = (
    "thread_ts",
    "reply_count",
    "reply_users",
    "reply_users_count",
    "latest_reply",
    "subscribed",
    "is_locked",
)


class Clock:
    """Gives every message a `ts` of its own, rising like Slack's and true to the microsecond."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        """Return the next `ts`."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"


class Talk:
    """All messages; what is handed out is the stored object, so change it only here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: dict[str, dict[str, Json]] = {}
        self._passing: dict[tuple[str, str], Json] = {}

    def add(self, channel: str, message: Json, thread_ts: str = "") -> Json:
        """Store a message and give it its `ts`. Raises `SlackError` for a thread that is none."""
        parent = self.parent(channel, thread_ts) if thread_ts else None
        ts = self._clock.next()
        message["ts"] = ts
        if parent is not None:
            message |= {"thread_ts": parent["ts"], "parent_user_id": parent.get("user", "")}
            _count_reply(parent, message)
        self._messages.setdefault(channel, {})[ts] = message
        return message

    def add_passing(self, channel: str, message: Json) -> Json:
        """Store a message that only one person sees: it can be pressed, but is in no history."""
        message["ts"] = self._clock.next()
        self._passing[channel, message["ts"]] = message
        return message

    def parent(self, channel: str, thread_ts: str) -> Json:
        """Find the first message of a thread. Raises `SlackError`."""
        parent = self._messages.get(channel, {}).get(thread_ts)
        if parent is None:
            raise SlackError("thread_not_found")
        if parent.get("thread_ts", thread_ts) != thread_ts:
            raise SlackError("cannot_reply_to_message")
        return parent

    def get(self, channel: str, ts: str) -> Json:
        """Find a message. Raises `SlackError`."""
        message = self._messages.get(channel, {}).get(ts)
        if message is None or message.get("subtype") == "tombstone":
            raise SlackError("message_not_found")
        return message

    def pressable(self, channel: str, ts: str) -> Json:
        """Find a message, also one that only one person sees. Raises `SlackError`."""
        return self._passing.get((channel, ts)) or self.get(channel, ts)

    def change(self, channel: str, ts: str, fields: Json, editor: str) -> tuple[Json, Json]:
        """Change a message and return how it was and how it is. Raises `SlackError`."""
        message = self.get(channel, ts)
        before = dict(message)
        message |= fields | {"edited": {"user": editor, "ts": self._clock.next()}}
        return before, message

    def remove(self, channel: str, ts: str) -> tuple[Json, Json | None]:
        """Delete a message; one with replies leaves a tombstone, returned beside what was. Raises `SlackError`."""
        before = self.get(channel, ts)
        if before.get("reply_count"):
            stone = TOMBSTONE | {"ts": ts} | {key: before[key] for key in OF_THE_THREAD if key in before}
            self._messages[channel][ts] = stone
            return before, stone
        del self._messages[channel][ts]
        self._uncount_reply(channel, before)
        return before, None

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Return a thread, first message first. Raises `SlackError`."""
        first = self._messages.get(channel, {}).get(ts)
        if first is None:
            raise SlackError("thread_not_found")
        top = first.get("thread_ts", ts)
        return [one for one in self._messages[channel].values() if top in {one["ts"], one.get("thread_ts")}]

    def history(self, channel: str) -> list[Json]:
        """Return what stands in the channel itself, newest first: replies only where they were sent there too."""
        said = reversed(self._messages.get(channel, {}).values())
        return [
            one
            for one in said
            if one.get("thread_ts", one["ts"]) == one["ts"] or one.get("subtype") == "thread_broadcast"
        ]

    def is_public(self, channel: str, ts: str) -> bool:
        """Say whether a message stands in the channel for everybody there."""
        return ts in self._messages.get(channel, {})

    def stamp(self) -> str:
        """Return a `ts` for an event that is no message."""
        return self._clock.next()

    def _uncount_reply(self, channel: str, reply: Json) -> None:
        parent = self._messages[channel].get(reply.get("thread_ts", ""))
        if parent is not None:
            parent["reply_count"] -= 1


def _count_reply(parent: Json, reply: Json) -> None:
    who = reply.get("user") or reply.get("bot_id") or BOT_USER
    users = list(dict.fromkeys([*parent.get("reply_users", []), who]))
    parent |= {"thread_ts": parent["ts"], "reply_count": parent.get("reply_count", 0) + 1, "reply_users": users}
    parent |= {"reply_users_count": len(users), "latest_reply": reply["ts"], "subscribed": True, "is_locked": False}


def between(messages: Iterable[Json], oldest: str, latest: str, *, inclusive: bool) -> list[Json]:
    """Keep the messages of a span; its ends belong to it only if `inclusive`. Raises `SlackError`."""
    low, high = _moment(oldest, "0", "invalid_ts_oldest"), _moment(latest, "Infinity", "invalid_ts_latest")
    if inclusive:
        return [one for one in messages if low <= Decimal(one["ts"]) <= high]
    return [one for one in messages if low < Decimal(one["ts"]) < high]


def _moment(text: str, otherwise: str, error: str) -> Decimal:
    try:
        return Decimal(text or otherwise)
    except InvalidOperation as cause:
        raise SlackError(error) from cause
