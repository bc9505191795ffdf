"""What people do rather than write: buttons, menus, forms and the slash command.

Forms: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload, .../view-interactions-payload and
https://docs.slack.dev/interactivity/implementing-slash-commands. Raises `Malformed`, or `ValueError` for broken JSON.
"""

from collections.abc import Iterator

from channels.base import AgentAction, ExternalId, clean_text
from channels.errors import Malformed
from channels.slack.form import BLANK, read_metadata, ticket_and_choice
from channels.slack.ids import slack_id
from channels.slack.mrkdwn import mentioned, plain
from channels.slack.payload import Json, child, children, known_id, read_form, read_json, text, ts


def interaction(payload: bytes) -> Json:
    """Return the JSON that an interaction's form carries; raises `ValueError`."""
    return read_json(read_form(payload).get("payload", ""))


def interaction_conversation(body: Json) -> str:
    """Return the ordering key of an interaction: that of the thread it happened in."""
    return f"{_team(body)}/{_channel(body)}/{_thread(body) or text(child(body, 'user'), 'id')}"


def parse_interaction(payload: bytes) -> tuple[AgentAction, ...]:
    """Translate what was pressed, chosen or sent off; others, such as a closed dialog, mean nothing to us."""
    body = interaction(payload)
    if text(body, "type") == "view_submission":
        return (_submitted(body),)
    if text(body, "type") != "block_actions":
        return ()
    return tuple(_pressed(body, action) for action in children(body, "actions"))


def parse_command(payload: bytes) -> tuple[AgentAction, ...]:
    """Translate a slash command; it is never in a thread, Slack does not offer them there."""
    form = read_form(payload)
    return (
        AgentAction(
            actor=slack_id(known_id(form.get("team_id", "")), known_id(form.get("user_id", ""))),
            action="command",
            value=plain(form.get("text", "")).strip(),
            mentions=tuple(slack_id(form.get("team_id", ""), user) for user in mentioned(form.get("text", ""))),
            answer_url=form.get("response_url", ""),
        ),
    )


def _pressed(body: Json, action: Json) -> AgentAction:
    name = text(action, "action_id")
    if not name:
        raise Malformed("A button without a name.")
    message = ts(child(body, "container"), "message_ts") or ts(child(body, "message"))
    name, value, choices = _meant(name.partition(":")[0], action)
    return AgentAction(
        actor=_actor(body),
        action=clean_text(name),
        value=clean_text(value),
        choices=choices,
        thread=_message_id(body, _thread(body)),
        message=_message_id(body, message),
        answer_url=text(body, "response_url"),
        trigger=text(body, "trigger_id"),
    )


def _meant(name: str, action: Json) -> tuple[str, str, tuple[str, ...]]:
    """Return the action, its value and what was chosen, which each kind of element says in its own way."""
    chosen = text(child(action, "selected_option"), "value")
    if text(action, "type") == "overflow":
        name, _, value = chosen.partition(":")
        return name, value, ()
    if chosen:
        value, choice = ticket_and_choice(chosen)
        return name, value, (choice,)
    return name, text(action, "value"), ()


def _submitted(body: Json) -> AgentAction:
    view = child(body, "view")
    kept = read_metadata(text(view, "private_metadata"))
    return AgentAction(
        actor=_actor(body),
        action=clean_text(text(view, "callback_id")),
        value=clean_text(text(kept, "value")),
        choices=tuple(_chosen(child(child(view, "state"), "values"))),
        filled=tuple(_filled(child(child(view, "state"), "values"))),
        answer_url=text(kept, "answer_url"),
        trigger=text(body, "trigger_id"),
    )


def _filled(values: Json) -> Iterator[tuple[str, str]]:
    for block in values:
        if block.startswith(BLANK):
            written = text(child(child(values, block), "text"), "value")
            yield clean_text(block.removeprefix(BLANK)), clean_text(written)


def _chosen(values: Json) -> Iterator[str]:
    for block in values:
        for element in child(values, block).values():
            state: Json = element if isinstance(element, dict) else {}
            for option in (child(state, "selected_option"), *children(state, "selected_options")):
                if chosen := text(option, "value"):
                    yield ticket_and_choice(chosen)[1]


def _actor(body: Json) -> ExternalId:
    user = child(body, "user")
    return slack_id(known_id(text(user, "team_id") or _team(body)), known_id(text(user, "id")))


def _team(body: Json) -> str:
    # An app installed for a whole organisation gets no team; the person's own is then the one it acts in.
    return text(child(body, "team"), "id") or text(child(body, "user"), "team_id")


def _channel(body: Json) -> str:
    return text(child(body, "channel"), "id") or text(child(body, "container"), "channel_id")


def _thread(body: Json) -> str:
    container, message = child(body, "container"), child(body, "message")
    marks = (ts(container, "thread_ts"), ts(message, "thread_ts"), ts(container, "message_ts"), ts(message))
    return next((mark for mark in marks if mark), "")


def _message_id(body: Json, mark: str) -> ExternalId | None:
    return slack_id(known_id(_team(body)), known_id(_channel(body)), mark) if mark else None
