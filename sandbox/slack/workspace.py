"""The workspace at work: what is said is stored and told to the app; what the app does is put on the ledger too."""

import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlencode

from sandbox.ledger import Ledger
from sandbox.outgoing import Answer
from sandbox.settings import Settings
from sandbox.slack import shapes
from sandbox.slack.errors import SlackError
from sandbox.slack.socket import Sockets
from sandbox.slack.talk import Clock, Talk
from sandbox.slack.world import BOT, BOT_USER, TEAM, Place, World
from sandbox.webhooks import Webhook, Webhooks
from sandbox.wire import Json, encoded

Then = Callable[[Answer], None] | None

ANSWER_WITHIN = 3.0  # seconds, docs.slack.dev/apis/events-api
FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True, kw_only=True)
class File:
    """A file and who put it there."""

    about: Json
    content: bytes = b""


class Workspace:
    """One workspace with one app in it."""

    def __init__(self, settings: Settings, ledger: Ledger, webhooks: Webhooks) -> None:
        self.settings = settings
        self.ledger = ledger
        self.webhooks = webhooks
        self.world = World()
        self.talk = Talk(Clock())
        self.files: dict[str, File] = {}
        self.sockets = Sockets()

    def post(self, place: Place, message: Json, thread_ts: str = "") -> Json:
        """Store a message and tell the app of it, whoever wrote it. Raises `SlackError`."""
        stored = self.talk.add(place.id, message, thread_ts)
        self.tell(place, shapes.event_of(stored, place))
        if f"<@{BOT_USER}>" in stored["text"] and stored.get("bot_id") != BOT and not place.person:
            self.tell(place, shapes.mention_event(stored, place))
        return stored

    def edit(self, place: Place, ts: str, fields: Json, editor: str) -> Json:
        """Change a message. Raises `SlackError`."""
        before, after = self.talk.change(place.id, ts, fields, editor)
        self.tell(place, shapes.change_event(before, after, place, self.talk.stamp()))
        return after

    def delete(self, place: Place, ts: str) -> Json:
        """Delete a message; with replies it becomes a tombstone, and the event is an edit. Raises `SlackError`."""
        before, stone = self.talk.remove(place.id, ts)
        stamp = self.talk.stamp()
        event = (
            shapes.change_event(before, stone, place, stamp) if stone else shapes.deletion_event(before, place, stamp)
        )
        self.tell(place, event)
        return before

    def react(self, place: Place, ts: str, name: str, user: str) -> Json:
        """Put an emoji on a message. Raises `SlackError`."""
        message = self.talk.get(place.id, ts)
        reactions: list[Json] = message.setdefault("reactions", [])
        found = next((one for one in reactions if one["name"] == name), None)
        if found is None:
            found = {"name": name, "users": [], "count": 0}
            reactions.append(found)
        if user in found["users"]:
            raise SlackError("already_reacted")
        found |= {"users": [*found["users"], user], "count": found["count"] + 1}
        self._tell_of_reaction("reaction_added", user, name, message, place)
        return message

    def unreact(self, place: Place, ts: str, name: str, user: str) -> Json:
        """Take an emoji back. Raises `SlackError`."""
        message = self.talk.get(place.id, ts)
        found = next(
            (one for one in message.get("reactions", []) if one["name"] == name and user in one["users"]), None
        )
        if found is None:
            raise SlackError("no_reaction")
        found |= {"users": [one for one in found["users"] if one != user], "count": found["count"] - 1}
        message["reactions"] = [one for one in message["reactions"] if one["count"]]
        self._tell_of_reaction("reaction_removed", user, name, message, place)
        return message

    def add_file(self, name: str, mimetype: str, content: bytes, user: str) -> File:
        """Keep a file; it is seen nowhere until a message shows it."""
        file_id = shapes.new_id("F")
        about = shapes.file_object(file_id, name, mimetype, len(content), self.settings.own_url)
        about |= {"user": user, "created": int(time.time()), "timestamp": int(time.time()), "shares": {}}
        self.files[file_id] = File(about=about, content=content)
        return self.files[file_id]

    def show_files(self, place: Place, message: Json, files: list[File], thread_ts: str) -> Json:
        """Post a message with files, and note in each where it is shown. Raises `SlackError`."""
        shown = self.post(place, message, thread_ts)
        share: Json = {"ts": shown["ts"], "channel_name": place.name, "team_id": TEAM}
        share |= {"thread_ts": shown["thread_ts"]} if "thread_ts" in shown else {}
        for file in files:
            file.about["shares"].setdefault("private" if place.private or place.person else "public", {})[place.id] = [
                share
            ]
        return shown

    def record(self, kind: str, details: Mapping[str, object]) -> None:
        """Put something the app did on the ledger."""
        self.ledger.add("slack", kind, details)

    def record_message(self, kind: str, place: Place, message: Json) -> None:
        """Put a message of the app on the ledger, as it stands now."""
        self.record(kind, {**message, "channel": place.id})

    def record_files(self, place: Place, message: Json, files: list[File]) -> None:
        """Put files of the app on the ledger, with their content."""
        for file in files:
            details = {"file": file.about["id"], "name": file.about["name"], "content_base64": encoded(file.content)}
            self.record_message("file", place, message | details)

    def tell(self, place: Place, event: Json) -> int:
        """Post an event to the app, if it is a member of the channel, and return the call's id, 0 for none."""
        if BOT_USER not in place.members:
            return 0
        author = self.world.people.get(event.get("user", BOT_USER))
        body = shapes.envelope(event, author.team if author else TEAM, shared=self.world.shared(place))
        webhook = self._webhook("slack/events", place.id, json.dumps(body).encode(), "application/json", None)
        instead = self._envelope("slack/events", body)
        return self.webhooks.queue(replace(webhook, delays=self.settings.slack_retry_delays, instead=instead))

    def call(self, path: str, lane: str, fields: Mapping[str, str], then: Then = None) -> int:
        """Post a form to the app's interactivity or command address; Slack makes such calls once."""
        raw = urlencode(fields).encode()
        payload = json.loads(fields["payload"]) if "payload" in fields else dict(fields)
        webhook = self._webhook(path, lane, raw, FORM, then)
        return self.webhooks.queue(replace(webhook, instead=self._envelope(path, payload)))

    def _tell_of_reaction(self, kind: str, user: str, name: str, message: Json, place: Place) -> None:
        self.tell(place, shapes.reaction_event(kind, user, name, message, place) | {"event_ts": self.talk.stamp()})

    def _envelope(self, path: str, payload: Json) -> Callable[[], Awaitable[Answer]] | None:
        """Return how an app with Socket Mode on hears of something."""
        if not self.settings.slack_app_token:
            return None
        return partial(self.sockets.hand_over, path, payload, ANSWER_WITHIN)

    def _webhook(self, path: str, lane: str, body: bytes, content_type: str, then: Then) -> Webhook:
        return Webhook(
            name=path,
            lane=lane,
            url=f"{self.settings.public_url}/webhooks/{path}",
            body=body,
            headers=lambda: {"Content-Type": content_type, **sign(self.settings.slack_signing_secret, body)},
            timeout=ANSWER_WITHIN,
            then=then,
        )


def sign(secret: str, body: bytes) -> dict[str, str]:
    """Return the two headers that prove a call to be Slack's, for this second."""
    moment = str(int(time.time()))
    mac = hmac.new(secret.encode(), f"v0:{moment}:".encode() + body, hashlib.sha256)
    return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={mac.hexdigest()}"}
