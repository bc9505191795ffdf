"""How Slack writes messages, events and files down."""

import secrets
import string
import uuid
from collections.abc import Mapping
from pathlib import PurePosixPath

from sandbox.slack.world import APP, BOT, BOT_USER, DOMAIN, TEAM, Person, Place
from sandbox.wire import Json

ALPHABET = string.ascii_uppercase + string.digits
UNSEEN = ("metadata",)  # kept with a message, handed out by history calls only


def new_id(letters: str) -> str:
    """Return an id as Slack makes them: letters for the kind, then ten of A-Z and 0-9."""
    return letters + "".join(secrets.choice(ALPHABET) for _ in range(10))


def persons_message(person: Person, text: str, files: list[Json]) -> Json:
    """Return what a person's client sends; `text` is in Slack's own marks (`<@U…>`, `&amp;`)."""
    message: Json = {"type": "message", "user": person.id, "text": text, "team": person.team}
    message["client_msg_id"] = str(uuid.uuid4())
    if person.robot:
        message["bot_id"] = "B" + person.id.removeprefix("U")
    if files:
        message |= {"subtype": "file_share", "files": files, "upload": False, "display_as_bot": False}
    if text:
        section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
        message["blocks"] = [{"type": "rich_text", "block_id": _short_id(), "elements": [section]}]
    return message


def bots_message(given: Mapping[str, object], text: str, blocks: list[Json]) -> Json:
    """Return the bot's own post; under another name it has no `user`, only `bot_id`, as Slack does it."""
    message: Json = {"type": "message", "text": text, "bot_id": BOT, "app_id": APP, "team": TEAM}
    if given.get("username"):
        message |= {"subtype": "bot_message", "username": given["username"]}
    else:
        message |= {"user": BOT_USER, "bot_profile": {"id": BOT, "app_id": APP, "name": "Frontdesk", "team_id": TEAM}}
    if given.get("icon_emoji"):
        message["icons"] = {"emoji": given["icon_emoji"]}
    if blocks:
        message["blocks"] = with_block_ids(blocks)
    return message


def bots_files(text: str, files: list[Json]) -> Json:
    """Return the message under which the bot's files appear: with `user`, but without `bot_id`."""
    message: Json = {"type": "message", "subtype": "file_share", "text": text, "files": files, "team": TEAM}
    return message | {"user": BOT_USER, "upload": False, "display_as_bot": False}


def with_block_ids(blocks: list[Json]) -> list[Json]:
    """Name the blocks that came without a `block_id`."""
    return [{"block_id": _short_id(), **block} for block in blocks]


def event_of(message: Json, place: Place) -> Json:
    """Return the event that tells of a new message."""
    return seen(message) | {"channel": place.id, "channel_type": place.kind, "event_ts": message["ts"]}


def change_event(before: Json, after: Json, place: Place, event_ts: str) -> Json:
    """Return the event of an edit."""
    event = {"type": "message", "subtype": "message_changed", "message": seen(after), "previous_message": seen(before)}
    return event | _hidden(place, event_ts)


def deletion_event(before: Json, place: Place, event_ts: str) -> Json:
    """Return the event of a deletion."""
    event = {
        "type": "message",
        "subtype": "message_deleted",
        "deleted_ts": before["ts"],
        "previous_message": seen(before),
    }
    return event | _hidden(place, event_ts)


def mention_event(message: Json, place: Place) -> Json:
    """Return the second event Slack sends when the bot is named in a channel."""
    kept = {
        key: message[key]
        for key in ("user", "text", "ts", "team", "client_msg_id", "blocks", "files", "thread_ts")
        if key in message
    }
    return kept | {"type": "app_mention", "channel": place.id, "event_ts": message["ts"]}


def reaction_event(kind: str, user: str, name: str, message: Json, place: Place) -> Json:
    """Return `reaction_added` or `reaction_removed`; the caller adds `event_ts`."""
    item = {"type": "message", "channel": place.id, "ts": message["ts"]}
    return {"type": kind, "user": user, "reaction": name, "item": item, "item_user": message.get("user", "")}


def envelope(event: Json, team: str, *, shared: bool) -> Json:
    """Wrap an event as it is posted to an app."""
    authorization = {
        "enterprise_id": None,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": "verification-token-of-old",
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": event | ({"user_team": team, "source_team": team} if shared and event["type"] == "message" else {}),
        "type": "event_callback",
        "event_id": new_id("Ev"),
        "event_time": int(float(event["event_ts"])),
        "authorizations": [authorization],
        "is_ext_shared_channel": shared,
        "event_context": "4-" + secrets.token_urlsafe(60),
    }


def file_object(file_id: str, name: str, mimetype: str, size: int, base_url: str) -> Json:
    """Return what Slack tells of a file."""
    kind = PurePosixPath(name).suffix.removeprefix(".") or "text"
    url = f"{base_url}/slack/files/{TEAM}-{file_id}"
    return {
        "id": file_id,
        "name": name,
        "title": name,
        "mimetype": mimetype,
        "filetype": kind,
        "pretty_type": kind.upper(),
        "size": size,
        "mode": "hosted",
        "is_external": False,
        "is_public": True,
        "file_access": "visible",
        "url_private": f"{url}/{name}",
        "url_private_download": f"{url}/download/{name}",
        "permalink": f"https://{DOMAIN}.slack.example/files/{file_id}/{name}",
    }


def seen(message: Json) -> Json:
    """Return a message as events show it."""
    return {key: value for key, value in message.items() if key not in UNSEEN}


def _hidden(place: Place, event_ts: str) -> Json:
    return {"channel": place.id, "channel_type": place.kind, "hidden": True, "ts": event_ts, "event_ts": event_ts}


def _short_id() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(5))
