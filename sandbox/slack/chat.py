"""Web API: what the bot says, and the marks it puts on messages."""

import json

from sandbox.slack import shapes
from sandbox.slack.blocks import check_blocks
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import check_all
from sandbox.slack.workspace import Workspace
from sandbox.slack.world import BOT_USER, DOMAIN, Place
from sandbox.wire import Json, truthy

LONGEST_TEXT = 40_000


def structured(given: Json, name: str) -> object:
    """Return an argument that is JSON inside a form, or already structured in a JSON body. Raises `SlackError`."""
    value = given.get(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError as error:
        raise SlackError(f"invalid_{name}_format" if name == "blocks" else "invalid_arguments") from error


def post_message(slack: Workspace, given: Json) -> Json:
    """Post a message, in a thread if `thread_ts` is given."""
    place = slack.world.writable(given.get("channel", ""))
    message = _message(given)
    thread_ts = given.get("thread_ts") or ""
    if thread_ts and truthy(given.get("reply_broadcast", "")):
        message["subtype"] = "thread_broadcast"
    metadata = structured(given, "metadata")
    if metadata:
        message["metadata"] = _checked_metadata(metadata)
    stored = slack.post(place, message, thread_ts)
    slack.record_message("post", place, stored)
    return {"channel": place.id, "ts": stored["ts"], "message": shapes.seen(stored)}


def post_ephemeral(slack: Workspace, given: Json) -> Json:
    """Show a message to one member of the channel."""
    place = slack.world.writable(given.get("channel", ""))
    user = given.get("user", "")
    if user not in place.members:
        raise SlackError("user_not_in_channel")
    message = _message(given)
    if given.get("thread_ts"):
        message["thread_ts"] = given["thread_ts"]
    stored = slack.talk.add_passing(place.id, message)
    slack.record_message("ephemeral", place, stored | {"to": user})
    return {"message_ts": stored["ts"]}


def update(slack: Workspace, given: Json) -> Json:
    """Change a message of the bot's own; what is not given stays, blocks too."""
    place = slack.world.writable(given.get("channel", ""))
    message = _own(slack, place, given.get("ts", ""), "cant_update_message")
    fields = _content(given)
    metadata = structured(given, "metadata")
    if metadata:
        fields["metadata"] = _checked_metadata(metadata)
    changed = slack.edit(place, message["ts"], fields, BOT_USER)
    slack.record_message("update", place, changed)
    return {"channel": place.id, "ts": changed["ts"], "text": changed["text"], "message": shapes.seen(changed)}


def delete(slack: Workspace, given: Json) -> Json:
    """Delete a message of the bot's own."""
    place = slack.world.writable(given.get("channel", ""))
    message = _own(slack, place, given.get("ts", ""), "cant_delete_message")
    slack.delete(place, message["ts"])
    slack.record_message("delete", place, message)
    return {"channel": place.id, "ts": message["ts"]}


def get_permalink(slack: Workspace, given: Json) -> Json:
    """Say where in the client a message stands."""
    place = slack.world.readable(given.get("channel", ""))
    message = slack.talk.get(place.id, given.get("message_ts", ""))
    link = f"https://{DOMAIN}.slack.example/archives/{place.id}/p{message['ts'].replace('.', '')}"
    top = message.get("thread_ts", message["ts"])
    thread = f"?thread_ts={top}&cid={place.id}" if top != message["ts"] else ""
    return {"channel": place.id, "permalink": link + thread}


def add_reaction(slack: Workspace, given: Json) -> Json:
    """Put an emoji on a message."""
    place, name = slack.world.writable(given.get("channel", "")), _emoji(given)
    slack.react(place, given.get("timestamp", ""), name, BOT_USER)
    slack.record("reaction", {"channel": place.id, "ts": given["timestamp"], "name": name})
    return {}


def remove_reaction(slack: Workspace, given: Json) -> Json:
    """Take an emoji of the bot's own back."""
    place, name = slack.world.writable(given.get("channel", "")), _emoji(given)
    slack.unreact(place, given.get("timestamp", ""), name, BOT_USER)
    slack.record("unreaction", {"channel": place.id, "ts": given["timestamp"], "name": name})
    return {}


def get_reactions(slack: Workspace, given: Json) -> Json:
    """List the emoji on a message."""
    place = slack.world.readable(given.get("channel", ""))
    message = slack.talk.get(place.id, given.get("timestamp", ""))
    return {"type": "message", "channel": place.id, "message": shapes.seen(message)}


def _message(given: Json) -> Json:
    content = _content(given)
    if not content.get("text") and not content.get("blocks") and not given.get("attachments"):
        raise SlackError("no_text")
    return shapes.bots_message(given, content.get("text", ""), content.get("blocks", []))


def _content(given: Json) -> Json:
    content: Json = {}
    if given.get("text") is not None:
        content["text"] = str(given["text"])
    if len(content.get("text", "")) > LONGEST_TEXT:
        raise SlackError("msg_too_long")
    blocks = structured(given, "blocks")
    if blocks is not None:
        content["blocks"] = shapes.with_block_ids(check_blocks(blocks))
        check_all(content["blocks"])
    return content


def _checked_metadata(metadata: object) -> Json:
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    return metadata


def _own(slack: Workspace, place: Place, ts: str, refusal: str) -> Json:
    message = slack.talk.get(place.id, ts)
    if message.get("user", BOT_USER) != BOT_USER:
        raise SlackError(refusal)
    return message


def _emoji(given: Json) -> str:
    name = str(given.get("name") or "").strip(":")
    if not name:
        raise SlackError("invalid_name")
    return name
