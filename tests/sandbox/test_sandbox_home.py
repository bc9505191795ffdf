"""The home tab, forms and shortcuts as the sandbox's Slack plays them."""

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


def button(action: str, value: str) -> Json:
    return {
        "type": "actions",
        "elements": [{"type": "button", "action_id": action, "value": value, "text": words("x")}],
    }


def home(*blocks: Json) -> Json:
    return {"type": "home", "blocks": list(blocks)}


def interaction(receiver: Receiver, word: str) -> Json:
    found = [each for each in receiver.got(word) if each.path == "/webhooks/slack/interactivity"]
    decoded: Json = json.loads(parse_qs(found[-1].body.decode())["payload"][0])
    return decoded


def test_a_home_tab_is_opened_put_up_and_pressed(slack: WebClient, sandbox: Sandbox, receiver: Receiver) -> None:
    word = uuid.uuid4().hex
    sandbox.open_home("U0ADA")
    event = json.loads(receiver.got("app_home_opened")[-1].body)["event"]
    assert (event["user"], event["tab"], event["channel"]) == ("U0ADA", "home", "D0ADA")
    slack.views_publish(user_id="U0ADA", view=home(button("take", word)))
    assert sandbox.home("U0ADA")["blocks"][0]["elements"][0]["value"] == word
    sandbox.press_home("U0ADA", "take", word)
    pressed = interaction(receiver, word)
    assert pressed["view"]["type"] == "home"
    assert (pressed["actions"][0]["value"], pressed["container"]["type"]) == (word, "view")
    assert "response_url" not in pressed
    with pytest.raises(SandboxError, match="no button"):
        sandbox.press_home("U0ADA", "take", "other")


def test_what_slack_would_refuse_of_a_home_tab_is_refused(slack: WebClient) -> None:
    slack.views_publish(user_id="U0BEN", view=home(*(button("take", str(each)) for each in range(100))))
    refused = [home(), home(*(button("take", "1") for _ in range(101))), home() | {"type": "modal"}]
    for view in refused:
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            slack.views_publish(user_id="U0BEN", view=view)
    with pytest.raises(SlackApiError, match="user_not_found"):
        slack.views_publish(user_id="U0NOBODY", view=home(button("take", "1")))


def test_a_form_is_in_front_of_who_asked_until_it_is_sent_off(
    slack: WebClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    word = uuid.uuid4().hex
    sandbox.command("U0BEN", "C0SUPPORT", "/desk", word)
    trigger = parse_qs(receiver.got(word)[0].body.decode())["trigger_id"][0]
    text = {"type": "section", "text": words(word)}
    view = slack.views_open(trigger_id=trigger, view={"type": "modal", "title": words("Tags"), "blocks": [text]})[
        "view"
    ]
    assert [each["id"] for each in sandbox.views("U0BEN")][-1:] == [view["id"]]
    assert view["id"] not in {each["id"] for each in sandbox.views("U0ADA")}
    sandbox.submit("U0BEN", view["id"], {})
    assert view["id"] not in {each["id"] for each in sandbox.views("U0BEN")}
