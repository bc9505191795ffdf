"""What people do rather than say: press, command, open a shortcut, submit a form; and the answers only they see."""

import contextlib
import json
import secrets
import time
from dataclasses import dataclass
from functools import partial

from sandbox.outgoing import Answer
from sandbox.slack import shapes
from sandbox.slack.blocks import check_blocks, elements
from sandbox.slack.errors import SlackError
from sandbox.slack.home import Homes, check_home, opened
from sandbox.slack.menus import VIEW_BLOCKS, check_view, option, states
from sandbox.slack.workspace import Workspace
from sandbox.slack.world import APP, BOT_USER, DOMAIN, TEAM, Person, Place
from sandbox.wire import BadRequest, Json, is_json, json_object, truthy

# docs.slack.dev/interactivity/handling-user-interaction
TRIGGER_LIVES = 3.0
ANSWER_LIVES = 1800.0
ANSWERS = 5


@dataclass(slots=True, kw_only=True)
class AnswerPlace:
    """Where a `response_url` leads: five answers within half an hour."""

    place: Place
    user: str
    until: float
    message: Json | None = None
    left: int = ANSWERS


class Interactivity:
    """The one-time handles that come with every interaction, and what the app makes of them."""

    def __init__(self, slack: Workspace) -> None:
        self._slack = slack
        self._answers: dict[str, AnswerPlace] = {}
        self._triggers: dict[str, tuple[float, str]] = {}
        self._views: dict[str, Json] = {}
        self.homes = Homes()

    def press(self, person: Person, place: Place, ts: str, action_id: str, value: str | None) -> int:
        """Press the button of a message that has this action and, if given, this value. Raises `BadRequest`."""
        message = self._slack.talk.pressable(place.id, ts)
        block, element = _find(message, action_id, value)
        passing = not self._slack.talk.is_public(place.id, ts)
        container: Json = {"type": "message", "message_ts": ts, "channel_id": place.id, "is_ephemeral": passing}
        container |= {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
        payload = self._payload("block_actions", person, place) | {
            "container": container,
            "message": shapes.seen(message),
        }
        payload |= {"state": {"values": {}}, "response_url": self._answer_url(place, person, message)}
        payload["actions"] = [_action(block, element, value) | {"action_ts": self._slack.talk.stamp()}]
        return self._send(place, payload)

    def shortcut(self, person: Person, place: Place, ts: str, callback_id: str) -> int:
        """Use a message shortcut."""
        message = self._slack.talk.get(place.id, ts)
        payload = self._payload("message_action", person, place) | {"callback_id": callback_id, "message_ts": ts}
        payload |= {"message": shapes.seen(message), "action_ts": self._slack.talk.stamp()}
        return self._send(place, payload | {"response_url": self._answer_url(place, person, message)})

    def command(self, person: Person, place: Place, command: str, text: str) -> int:
        """Type a slash command; what the app answers to the call itself is shown to the person alone."""
        fields = {"token": "verification-token-of-old", "team_id": TEAM, "team_domain": DOMAIN, "channel_id": place.id}
        fields |= {"channel_name": place.name or "directmessage", "user_id": person.id, "user_name": person.handle}
        fields |= {"command": command, "text": text, "api_app_id": APP, "is_enterprise_install": "false"}
        fields |= {"response_url": self._answer_url(place, person, None), "trigger_id": self._trigger(person)}
        return self._slack.call("slack/commands", place.id, fields, partial(self._show_reply, place, person))

    def submit(self, person: Person, view_id: str, values: Json) -> int:
        """Send a modal off; `values` are `{block_id: {action_id: text, option's value or list of them}}`.

        What is not given stays as the app filled it in. Raises `BadRequest`.
        """
        view = self._views.pop(view_id, None)
        if view is None:
            raise BadRequest(f"no open view {view_id}")
        state = states(view.get("blocks", []), values)
        payload = self._payload("view_submission", person, None) | {
            "view": view | {"state": {"values": state}},
            "response_urls": [],
        }
        return self._slack.call("slack/interactivity", f"view:{person.id}", {"payload": json.dumps(payload)})

    def open_view(self, given: Json, view: Json) -> Json:
        """Open a modal for who holds the trigger. Raises `SlackError`."""
        until, user = self._triggers.pop(given.get("trigger_id", ""), (0.0, ""))
        if not user:
            raise SlackError("invalid_trigger_id")
        if time.monotonic() > until:
            raise SlackError("expired_trigger_id")
        check_view(view)
        return self._keep_view("view", view | {"user_id": user})

    def publish_view(self, given: Json, view: Json) -> Json:
        """Put a person's home tab up. Raises `SlackError`."""
        user = self._slack.world.person(given.get("user_id", "")).id
        check_home(view)
        kept = self._keep_view("home", view | {"user_id": user})
        self.homes.put_up(user, kept["view"])
        return kept

    def open_home(self, person: Person) -> int:
        """Open the app's home tab."""
        place = self._slack.world.direct(person.id)
        event = opened(person.id, place.id, self.homes.view(person.id), self._slack.talk.stamp())
        return self._slack.tell(place, event)

    def press_home(self, person: Person, action_id: str, value: str | None) -> int:
        """Press a button of the app's home tab. Raises `BadRequest`."""
        view = self.homes.view(person.id)
        block, element = self.homes.pressed(person.id, action_id, value)
        payload = self._payload("block_actions", person, None) | {"view": view}
        payload |= {"container": {"type": "view", "view_id": view["id"]}}
        payload["actions"] = [_action(block, element, value) | {"action_ts": self._slack.talk.stamp()}]
        return self._send(self._slack.world.direct(person.id), payload)

    def open_views(self, user: str) -> list[Json]:
        """Return the forms that somebody has in front of them."""
        return [view for view in self._views.values() if view["type"] == "modal" and view["user_id"] == user]

    def answer(self, token: str, given: Json) -> bool:
        """Take what the app posts to a `response_url`; false when it leads nowhere any more. Raises `SlackError`."""
        where = self._answers.get(token)
        if where is None or where.left == 0 or time.monotonic() > where.until:
            return False
        where.left -= 1
        self._show_answer(where, given)
        self._record_answer(where.place, where.user, given)
        return True

    def _show_answer(self, where: AnswerPlace, given: Json) -> None:
        blocks = check_blocks(given.get("blocks") or [])
        ts = where.message["ts"] if where.message else ""
        original = ts if self._slack.talk.is_public(where.place.id, ts) else ""
        if original and truthy(given.get("delete_original", "")):
            self._slack.delete(where.place, original)
        elif original and truthy(given.get("replace_original", "")):
            fields = {"text": given.get("text", ""), "blocks": shapes.with_block_ids(blocks)}
            self._slack.edit(where.place, original, fields, BOT_USER)
        elif given.get("response_type") == "in_channel":
            message = shapes.bots_message({}, given.get("text", ""), blocks)
            self._slack.post(where.place, message, given.get("thread_ts", ""))

    def _show_reply(self, place: Place, person: Person, answer: Answer) -> None:
        written = answer.content.strip()
        if not written:
            return
        # Slack shows the person an error for JSON it cannot read, and nothing of the answer.
        with contextlib.suppress(BadRequest):
            given = json_object(written) if is_json(answer.headers) else {"text": answer.text}
            self._record_answer(place, person.id, given)

    def _record_answer(self, place: Place, user: str, given: Json) -> None:
        details = {"channel": place.id, "to": user, "text": given.get("text", ""), "blocks": given.get("blocks", [])}
        flags = ("response_type", "replace_original", "delete_original", "thread_ts")
        self._slack.record("response", details | {name: given[name] for name in flags if name in given})

    def _keep_view(self, kind: str, view: Json) -> Json:
        kept = view | {
            "blocks": shapes.with_block_ids(check_blocks(view.get("blocks"), VIEW_BLOCKS)),
            "id": shapes.new_id("V"),
            "team_id": TEAM,
            "app_id": APP,
            "bot_id": "B0FRONTDESK",
            "hash": secrets.token_hex(8),
        }
        self._views[kept["id"]] = kept
        self._slack.record(kind, {"view": kept})
        return {"view": kept}

    def _payload(self, kind: str, person: Person, place: Place | None) -> Json:
        user = {"id": person.id, "username": person.handle, "name": person.handle, "team_id": person.team}
        payload: Json = {"type": kind, "user": user, "api_app_id": APP, "token": "verification-token-of-old"}
        payload |= {"trigger_id": self._trigger(person), "team": {"id": TEAM, "domain": DOMAIN}}
        payload |= {"enterprise": None, "is_enterprise_install": False}
        if place is not None:
            payload["channel"] = {"id": place.id, "name": place.name or "directmessage"}
        return payload

    def _send(self, place: Place, payload: Json) -> int:
        return self._slack.call("slack/interactivity", place.id, {"payload": json.dumps(payload)})

    def _trigger(self, person: Person) -> str:
        trigger = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**11)}.{secrets.token_hex(16)}"
        self._triggers[trigger] = time.monotonic() + TRIGGER_LIVES, person.id
        return trigger

    def _answer_url(self, place: Place, person: Person, message: Json | None) -> str:
        token = secrets.token_urlsafe(18)
        self._answers[token] = AnswerPlace(
            place=place, user=person.id, message=message, until=time.monotonic() + ANSWER_LIVES
        )
        return f"{self._slack.settings.own_url}/slack/response/{token}"


def _find(message: Json, action_id: str, value: str | None) -> tuple[Json, Json]:
    for block, element in elements(message.get("blocks", [])):
        wanted = value is None or element.get("type") != "button" or element.get("value") == value
        if element["action_id"] == action_id and wanted:
            return block, element
    raise BadRequest(f"message {message['ts']} has no button {action_id}" + (f" with value {value}" if value else ""))


def _action(block: Json, element: Json, value: str | None) -> Json:
    action = {"action_id": element["action_id"], "block_id": block["block_id"], "type": element["type"]}
    if element["type"] == "button":
        kept = {key: element[key] for key in ("text", "value", "style") if key in element}
        return action | kept
    if element["type"] == "users_select":
        return action | {"selected_user": value}
    return action | {"selected_option": option(element, value)}
