"""The envelope around an event: whose it is, what it is about, and whether a person can be behind it.

See https://docs.slack.dev/apis/events-api/ for the envelope and https://docs.slack.dev/reference/events/message for
what may be in it. Both the door (to leave noise out) and the parser read it.
"""

from dataclasses import dataclass

from channels.slack.ids import slack_id
from channels.slack.payload import Json, child, children, text, ts
from channels.slack.signs import SIGNS

_WRITTEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
_CHANGED = "message_changed"
_DELETED = "message_deleted"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event of the Events API."""

    json: Json

    @property
    def event(self) -> Json:
        """Return the event itself."""
        return child(self.json, "event")

    @property
    def message(self) -> Json:
        """Return the message the event is about: the new one of an edit, the old one of a deletion."""
        if self.deleted:
            return child(self.event, "previous_message")
        return child(self.event, "message") if self.changed else self.event

    @property
    def team(self) -> str:
        """Return the workspace our app is in.

        In a channel shared with another company the envelope may name theirs, and only the authorization ours.
        """
        ours = next((text(one, "team_id") for one in children(self.json, "authorizations")), "")
        return (ours if self.json.get("is_ext_shared_channel") is True else "") or text(self.json, "team_id") or ours

    @property
    def author_team(self) -> str:
        """Return the workspace of who wrote, which is another one in a shared channel."""
        return text(self.message, "user_team") or text(self.message, "team") or self.team

    @property
    def channel(self) -> str:
        """Return the channel's id."""
        return text(self.event, "channel") or text(self.item, "channel")

    @property
    def item(self) -> Json:
        """Return what an emoji was put on."""
        return child(self.event, "item")

    @property
    def signed(self) -> bool:
        """Say whether an emoji that means something was put on a message; others are people's own affair."""
        return (
            text(self.event, "type") == "reaction_added"
            and text(self.event, "reaction") in SIGNS
            and text(self.item, "type") == "message"
        )

    @property
    def at_home(self) -> bool:
        """Say whether somebody opened the app's home tab."""
        return text(self.event, "type") == "app_home_opened" and text(self.event, "tab") == "home"

    @property
    def in_direct_message(self) -> bool:
        """Say whether it happened between one person and our bot."""
        return text(self.event, "channel_type") == "im"

    @property
    def thread(self) -> str:
        """Return the time mark of the thread's first message, empty outside threads."""
        return ts(self.message, "thread_ts")

    @property
    def written(self) -> bool:
        """Say whether this is a new message, with or without files."""
        return text(self.event, "type") == "message" and text(self.event, "subtype") in _WRITTEN

    @property
    def changed(self) -> bool:
        """Say whether a message was edited; Slack says so of unfurled links too."""
        return self._subtype(_CHANGED) and not self._tombstone

    @property
    def deleted(self) -> bool:
        """Say whether a message is gone; one that has answers is changed to a tombstone instead."""
        return self._subtype(_DELETED) or (self._subtype(_CHANGED) and self._tombstone)

    @property
    def ours(self) -> bool:
        """Say whether our own app wrote it; not every such event carries its `app_id`, so the user decides too."""
        written_by = text(self.message, "app_id") or text(child(self.message, "bot_profile"), "app_id")
        bots = [one for one in children(self.json, "authorizations") if one.get("is_bot") is not False]
        same_app = bool(written_by) and written_by == text(self.json, "api_app_id")
        return same_app or text(self.message, "user") in {text(one, "user_id") for one in bots} - {""}

    @property
    def by_a_bot(self) -> bool:
        """Say whether any app wrote it."""
        return self.ours or bool(text(self.message, "bot_id")) or text(self.message, "subtype") == "bot_message"

    @property
    def for_us(self) -> bool:
        """Say whether it can mean anything to us; joins, mentions (also sent as messages) and our own posts cannot."""
        kinds = (self.written, self.changed, self.deleted, self.signed, self.at_home)
        return any(kinds) and not self.ours

    @property
    def message_key(self) -> str:
        """Return the name of a new message, which every event about it shares; empty for other events."""
        mark = ts(self.message)
        return f"message:{self.team}/{self.channel}/{mark}" if self.written and mark else ""

    @property
    def changes(self) -> str:
        """Return the outside name of the message that was edited or deleted; empty for other events."""
        mark = ts(self.message)
        return slack_id(self.team, self.channel, mark).value if mark and (self.changed or self.deleted) else ""

    @property
    def conversation(self) -> str:
        """Return the ordering key: the thread, whose first message is in it too, or who speaks in a direct message."""
        if self.signed:
            return f"{self.team}/{self.channel}/{ts(self.item)}"
        own = "" if self.in_direct_message else ts(self.message)
        return f"{self.team}/{self.channel}/{self.thread or own or text(self.message, 'user')}"

    @property
    def _tombstone(self) -> bool:
        return text(child(self.event, "message"), "subtype") == "tombstone"

    def _subtype(self, name: str) -> bool:
        return text(self.event, "type") == "message" and text(self.event, "subtype") == name
