"""Menus, further actions and forms as the sandbox's Slack plays them."""

import json
import uuid
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from sandbox.client import Sandbox, SandboxError
from tests.sandbox.product import Receiver

Json = dict[str, Any]


def words(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def choices(*values: str) -> list[Json]:
    return [{"text": words(value), "value": value} for value in values]


MENU: Json = {
    "type": "static_select",
    "action_id": "status",
    "placeholder": words("Status"),
    "option_groups": [
        {"label": words("a"), "options": choices("open")},
        {"label": words("b"), "options": choices("closed")},
    ],
}
MORE: Json = {"type": "overflow", "action_id": "more", "options": choices("block", "history")}
SEVERAL: Json = {
    "type": "multi_static_select",
    "action_id": "tags",
    "placeholder": words("Tags"),
    "options": choices("bug", "vip", "late"),
    "initial_options": choices("bug"),
}
FORM: Json = {
    "type": "modal",
    "title": words("Tags"),
    "submit": words("Save"),
    "blocks": [{"type": "input", "block_id": "choice", "label": words("Tags"), "element": SEVERAL}],
}


@pytest.fixture
def word() -> str:
    """Return a word by which a test finds its own calls: the receiver outlives it."""
    return uuid.uuid4().hex


def posted(slack: WebClient, word: str, *elements: Json) -> str:
    blocks = [{"type": "actions", "elements": list(elements)}]
    return str(slack.chat_postMessage(channel="C0SUPPORT", text=word, blocks=blocks)["ts"])


def interaction(receiver: Receiver, word: str, calls: int) -> Json:
    found = [each for each in receiver.got(word, calls) if each.path == "/webhooks/slack/interactivity"]
    decoded: Json = json.loads(parse_qs(found[-1].body.decode())["payload"][0])
    return decoded


@pytest.mark.parametrize(("element", "value"), [(MENU, "closed"), (MORE, "history")])
def test_what_is_chosen_comes_with_its_option(
    slack: WebClient, sandbox: Sandbox, receiver: Receiver, word: str, element: Json, value: str
) -> None:
    sandbox.press("U0ADA", "C0SUPPORT", posted(slack, word, element), element["action_id"], value)
    (action,) = interaction(receiver, word, 2)["actions"]
    assert (action["type"], action["selected_option"]["value"]) == (element["type"], value)


def test_a_person_is_chosen_by_their_id(slack: WebClient, sandbox: Sandbox, receiver: Receiver, word: str) -> None:
    people = {"type": "users_select", "action_id": "assign", "placeholder": words("Assign to")}
    sandbox.press("U0ADA", "C0SUPPORT", posted(slack, word, people), "assign", "U0BEN")
    assert interaction(receiver, word, 2)["actions"][0]["selected_user"] == "U0BEN"


def test_an_option_that_is_not_there_cannot_be_chosen(slack: WebClient, sandbox: Sandbox, word: str) -> None:
    with pytest.raises(SandboxError, match="no option"):
        sandbox.press("U0ADA", "C0SUPPORT", posted(slack, word, MENU), "status", "melted")


@pytest.fixture
def trigger(sandbox: Sandbox, receiver: Receiver, word: str) -> str:
    """Return what opens a form, once."""
    sandbox.command("U0ADA", "C0SUPPORT", "/desk", f"command {word}")
    return parse_qs(receiver.got(word)[0].body.decode())["trigger_id"][0]


@pytest.mark.parametrize(
    ("given", "kept"), [({}, ["bug"]), ({"tags": []}, []), ({"tags": ["vip", "late"]}, ["vip", "late"])]
)
def test_a_form_holds_what_was_chosen_or_what_stood_there(  # noqa: PLR0913, PLR0917 (five fixtures and the case)
    slack: WebClient, sandbox: Sandbox, receiver: Receiver, trigger: str, word: str, given: Json, kept: list[str]
) -> None:
    view = slack.views_open(trigger_id=trigger, view={**FORM, "private_metadata": word})["view"]
    sandbox.submit("U0ADA", view["id"], {"choice": given})
    state = interaction(receiver, word, 2)["view"]["state"]["values"]["choice"]["tags"]
    assert [each["value"] for each in state["selected_options"]] == kept


def test_a_menu_that_may_be_left_empty_can_be(
    slack: WebClient, sandbox: Sandbox, receiver: Receiver, trigger: str, word: str
) -> None:
    block = {"type": "input", "block_id": "choice", "label": words("Status"), "element": MENU, "optional": True}
    view = slack.views_open(trigger_id=trigger, view={**FORM, "blocks": [block], "private_metadata": word})["view"]
    sandbox.submit("U0ADA", view["id"], {"choice": {"status": None}})
    assert interaction(receiver, word, 2)["view"]["state"]["values"]["choice"]["status"]["selected_option"] is None


@pytest.mark.parametrize(
    "element",
    [
        MENU | {"option_groups": []},
        MENU | {"options": choices("both")},
        {**MORE, "options": choices(*"abcdef")},
        {**MORE, "options": []},
        {**MORE, "options": [{"text": words("x" * 76), "value": "a"}]},
        {**MORE, "options": [{"text": words("x"), "value": "v" * 151}]},
        MENU | {"placeholder": words("x" * 151)},
        MENU | {"initial_option": choices("melted")[0]},
        SEVERAL,
    ],
)
def test_what_slack_would_refuse_of_a_menu_is_refused(slack: WebClient, word: str, element: Json) -> None:
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        posted(slack, word, element)


@pytest.mark.parametrize(
    "changes",
    [{"title": words("x" * 25)}, {"private_metadata": "x" * 3001}, {"submit": words("")}, {"blocks": []}],
)
def test_what_slack_would_refuse_of_a_form_is_refused(slack: WebClient, trigger: str, changes: Json) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        slack.views_open(trigger_id=trigger, view={**FORM, **changes})
