"""Web API: who and what there is, page by page."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from sandbox.slack.errors import SlackError
from sandbox.slack.talk import between
from sandbox.slack.workspace import Workspace
from sandbox.slack.world import BOT, BOT_USER, DOMAIN, TEAM, Place
from sandbox.wire import Json, truthy

T = TypeVar("T")

PAGE = 100
LARGEST_PAGE = 999


def auth_test(slack: Workspace, given: Json) -> Json:  # noqa: ARG001  every method takes both
    """Say whose token it is."""
    who: Json = {"url": f"https://{DOMAIN}.slack.example/", "team": "Desk", "team_id": TEAM}
    return who | {"user": "frontdesk", "user_id": BOT_USER, "bot_id": BOT, "is_enterprise_install": False}


def team_info(slack: Workspace, given: Json) -> Json:  # noqa: ARG001  every method takes both
    """Name the workspace."""
    return {"team": {"id": TEAM, "name": "Desk", "domain": DOMAIN, "email_domain": "desk.example", "icon": {}}}


def history(slack: Workspace, given: Json) -> Json:
    """List what stands in a channel, newest first."""
    place = slack.world.readable(given.get("channel", ""))
    messages, cursor = _page(_span(slack.talk.history(place.id), given), given)
    return {"messages": _with_metadata(messages, given), "pin_count": 0} | _more(cursor)


def replies(slack: Workspace, given: Json) -> Json:
    """List a thread, oldest first; its first message comes whatever the span."""
    place = slack.world.readable(given.get("channel", ""))
    first, *rest = slack.talk.thread(place.id, given.get("ts", ""))
    messages, cursor = _page([first, *_span(rest, given)], given)
    return {"messages": _with_metadata(messages, given)} | _more(cursor)


def conversation_info(slack: Workspace, given: Json) -> Json:
    """Describe a channel."""
    return {"channel": _channel(slack, slack.world.place(given.get("channel", "")))}


def conversation_list(slack: Workspace, given: Json) -> Json:
    """List channels of the asked types; `public_channel` unless others are named."""
    types = str(given.get("types") or "public_channel").split(",")
    kinds = {
        {"public_channel": "channel", "private_channel": "group"}.get(name.strip(), name.strip()) for name in types
    }
    hidden = truthy(given.get("exclude_archived", ""))
    fitting = [one for one in slack.world.places.values() if one.kind in kinds and not (hidden and one.archived)]
    places, cursor = _page(fitting, given)
    return {"channels": [_channel(slack, place) for place in places]} | _next(cursor)


def conversation_open(slack: Workspace, given: Json) -> Json:
    """Open the bot's direct conversation with one person."""
    users = [user for user in str(given.get("users") or "").split(",") if user]
    if len(users) != 1:
        raise SlackError("not_enough_users" if not users else "too_many_users")
    place = slack.world.direct(users[0])
    return {"channel": _channel(slack, place) if truthy(given.get("return_im", "")) else {"id": place.id}}


def user_info(slack: Workspace, given: Json) -> Json:
    """Describe a person, also one of another workspace."""
    return {"user": slack.world.person(given.get("user", "")).as_user()}


def user_by_email(slack: Workspace, given: Json) -> Json:
    """Find an active member of this workspace by address."""
    wanted = str(given.get("email") or "").lower()
    for person in slack.world.people.values():
        if wanted and person.email.lower() == wanted and person.team == TEAM and not person.deleted:
            return {"user": person.as_user()}
    raise SlackError("users_not_found")


def user_list(slack: Workspace, given: Json) -> Json:
    """List the members of this workspace, deactivated ones too."""
    members, cursor = _page([one for one in slack.world.people.values() if one.team == TEAM], given)
    return {"members": [person.as_user() for person in members], "cache_ts": 1700000000} | _next(cursor)


def _channel(slack: Workspace, place: Place) -> Json:
    return place.as_channel() | {"is_ext_shared": slack.world.shared(place), "is_shared": slack.world.shared(place)}


def _span(messages: list[Json], given: Json) -> list[Json]:
    oldest, latest = str(given.get("oldest") or ""), str(given.get("latest") or "")
    return between(messages, oldest, latest, inclusive=truthy(given.get("inclusive", "")))


def _with_metadata(messages: list[Json], given: Json) -> list[Json]:
    if truthy(given.get("include_all_metadata", "")):
        return messages
    return [{key: value for key, value in message.items() if key != "metadata"} for message in messages]


def _page(everything: Sequence[T], given: Json) -> tuple[list[T], str]:
    limit = _limit(str(given.get("limit") or PAGE))
    start = _offset(str(given.get("cursor") or ""))
    end = start + limit
    cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(everything) else ""
    return list(everything[start:end]), cursor


def _limit(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise SlackError("invalid_limit")
    return min(int(text), LARGEST_PAGE)


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).removeprefix(b"next:"))
    except (binascii.Error, ValueError) as error:
        raise SlackError("invalid_cursor") from error


def _more(cursor: str) -> Json:
    return {"has_more": bool(cursor)} | (_next(cursor) if cursor else {})


def _next(cursor: str) -> Json:
    return {"response_metadata": {"next_cursor": cursor}}
