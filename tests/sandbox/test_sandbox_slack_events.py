"""What Slack posts to the product when people and the bot act."""

import json
import threading
from typing import Any
from urllib.parse import parse_qs

import pytest
import urllib3
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from sandbox.client import Sandbox, SandboxError, file, wait_for
from tests.sandbox.product import ENVIRONMENT, Received, Receiver

BUTTON = {"type": "button", "action_id": "take", "value": "7", "text": {"type": "plain_text", "text": "Take"}}
ACTIONS = [{"type": "actions", "elements": [BUTTON, BUTTON | {"action_id": "close"}]}]


def event_in(call: Received) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(call.body)["event"]
    return event


def payload_in(call: Received) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(parse_qs(call.body.decode())["payload"][0])
    return payload


def test_an_event_is_signed_so_that_slacks_own_verifier_agrees(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.say("U0ADA", "C0SUPPORT", "signed-word")
    (call,) = receiver.got("signed-word")
    verifier = SignatureVerifier(ENVIRONMENT["SLACK_SIGNING_SECRET"])
    assert verifier.is_valid_request(call.body, dict(call.headers))
    assert not verifier.is_valid_request(call.body + b" ", dict(call.headers))


def test_a_persons_message_has_the_real_envelope(sandbox: Sandbox, receiver: Receiver) -> None:
    ts = sandbox.say("U0ADA", "C0SUPPORT", "envelope-word")
    envelope = json.loads(receiver.got("envelope-word")[0].body)
    assert (envelope["type"], envelope["team_id"], envelope["api_app_id"]) == (
        "event_callback",
        "T0DESK",
        "A0FRONTDESK",
    )
    assert envelope["authorizations"][0]["user_id"] == "U0FRONTDESK"
    event = envelope["event"]
    assert (event["user"], event["ts"], event["channel"], event["channel_type"]) == (
        "U0ADA",
        ts,
        "C0SUPPORT",
        "channel",
    )


def test_a_direct_message_is_of_type_im(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.say("U0CLEO", "D0CLEO", "direct-word")
    assert event_in(receiver.got("direct-word")[0])["channel_type"] == "im"


def test_the_bot_hears_itself(slack: WebClient, receiver: Receiver) -> None:
    slack.chat_postMessage(channel="C0SUPPORT", text="echo-word")
    event = event_in(receiver.got("echo-word")[0])
    assert (event["bot_id"], event["user"], event["app_id"]) == ("B0FRONTDESK", "U0FRONTDESK", "A0FRONTDESK")


def test_the_bots_files_come_back_without_bot_id(slack: WebClient, receiver: Receiver) -> None:
    slack.files_upload_v2(channel="C0SUPPORT", filename="echo.txt", content="x", initial_comment="file-echo-word")
    event = event_in(receiver.got("file-echo-word")[0])
    assert (event["user"], "bot_id" in event) == ("U0FRONTDESK", False)


def test_a_mention_comes_twice(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.say("U0ADA", "C0SUPPORT", "<@U0FRONTDESK> mention-word")
    events = [event_in(call) for call in receiver.got("mention-word", 2)]
    assert sorted(event["type"] for event in events) == ["app_mention", "message"]
    assert len({event["ts"] for event in events}) == 1


def test_a_reply_names_its_thread(sandbox: Sandbox, receiver: Receiver) -> None:
    root = sandbox.say("U0ADA", "C0SUPPORT", "a root")
    sandbox.say("U0BEN", "C0SUPPORT", "reply-word", thread_ts=root)
    event = event_in(receiver.got("reply-word")[0])
    assert (event["thread_ts"], event["parent_user_id"]) == (root, "U0ADA")


def test_an_edit_tells_before_and_after(sandbox: Sandbox, receiver: Receiver) -> None:
    ts = sandbox.say("U0ADA", "C0SUPPORT", "first words")
    sandbox.edit("U0ADA", "C0SUPPORT", ts, "edited-word")
    event = event_in(receiver.got("edited-word")[0])
    assert (event["subtype"], event["message"]["ts"], event["message"]["edited"]["user"]) == (
        "message_changed",
        ts,
        "U0ADA",
    )
    assert event["previous_message"]["text"] == "first words"


def test_a_deletion_tells_what_was_there(sandbox: Sandbox, receiver: Receiver) -> None:
    ts = sandbox.say("U0ADA", "C0SUPPORT", "doomed-word")
    sandbox.delete("U0ADA", "C0SUPPORT", ts)
    event = event_in(receiver.got("doomed-word", 2)[1])
    assert (event["subtype"], event["deleted_ts"], event["previous_message"]["text"]) == (
        "message_deleted",
        ts,
        "doomed-word",
    )


def test_deleting_the_head_of_a_thread_leaves_a_tombstone(sandbox: Sandbox, receiver: Receiver) -> None:
    ts = sandbox.say("U0ADA", "C0SUPPORT", "head-word")
    reply = sandbox.say("U0BEN", "C0SUPPORT", "stays", thread_ts=ts)
    sandbox.delete("U0ADA", "C0SUPPORT", ts)
    assert event_in(receiver.got("head-word", 2)[1])["message"]["subtype"] == "tombstone"
    assert [one["ts"] for one in sandbox.thread("C0SUPPORT", ts)] == [ts, reply]


def test_a_reaction_is_told(sandbox: Sandbox, receiver: Receiver) -> None:
    ts = sandbox.say("U0ADA", "C0SUPPORT", "react to me")
    sandbox.react("U0BEN", "C0SUPPORT", ts, "white_check_mark")
    event = event_in(receiver.got("white_check_mark")[0])
    assert (event["type"], event["user"], event["item"]["ts"], event["item_user"]) == (
        "reaction_added",
        "U0BEN",
        ts,
        "U0ADA",
    )


def test_a_persons_file_can_be_fetched_by_the_bot(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.say("U0CLEO", "C0CLIENTS", "photo-word", files=[file("cat.png", b"png", "image/png")])
    event = event_in(receiver.got("photo-word")[0])
    about = event["files"][0]
    fetched = urllib3.request("GET", about["url_private_download"], headers={"Authorization": "Bearer xoxb-sandbox"})
    assert (event["subtype"], about["mimetype"], fetched.data) == ("file_share", "image/png", b"png")


def test_a_stranger_makes_the_channel_shared(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.say("U0FAR", "C0BILLING", "stranger-word")
    envelope = json.loads(receiver.got("stranger-word")[0].body)
    assert (envelope["is_ext_shared_channel"], envelope["event"]["user_team"]) == (True, "T0OTHER")


def test_where_the_bot_is_no_member_it_hears_nothing(sandbox: Sandbox) -> None:
    sandbox.leave("C0DEAF", "deaf")
    before = len(sandbox.webhooks())
    sandbox.say("U0ADA", "C0DEAF", "unheard-word")
    assert len(sandbox.webhooks()) == before


def test_a_failed_event_is_tried_four_times_with_the_same_id(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers[b"retry-word"] = [(500, {}, b"")] * 4
    sandbox.say("U0ADA", "C0SUPPORT", "retry-word")
    calls = receiver.got("retry-word", 4)
    assert len({json.loads(call.body)["event_id"] for call in calls}) == 1
    assert [call.headers["X-Slack-Retry-Num"] for call in calls] == [None, "1", "2", "3"]
    assert calls[3].headers["X-Slack-Retry-Reason"] == "http_error"


def test_the_product_can_ask_for_no_retry(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers[b"stop-word"] = [(500, {"X-Slack-No-Retry": "1"}, b"")]
    sandbox.say("U0ADA", "C0SUPPORT", "stop-word")
    receiver.got("stop-word")
    (record,) = wait_for(
        lambda: [one for one in sandbox.webhooks() if "stop-word" in one["body"] and one["done"]], "end"
    )
    assert [attempt["status"] for attempt in record["attempts"]] == [500]


def test_an_answer_after_three_seconds_is_a_time_out(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.held[b"late-word"] = threading.Event()
    sandbox.say("U0EVE", "C0SUPPORT", "late-word")
    calls = receiver.got("late-word", 2)
    receiver.held.pop(b"late-word").set()
    assert calls[1].headers["X-Slack-Retry-Reason"] == "http_timeout"


def test_events_of_a_channel_keep_their_order(sandbox: Sandbox, receiver: Receiver) -> None:
    said = [sandbox.say("U0ADA", "C0SUPPORT", f"order-word {number}") for number in range(10)]
    assert [event_in(call)["ts"] for call in receiver.got("order-word", 10)] == said


def test_an_event_can_be_repeated_as_it_was(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.say("U0ADA", "C0SUPPORT", "again-word")
    receiver.got("again-word")
    sandbox.repeat(sandbox.webhooks("slack/events")[-1]["id"])
    first, second = receiver.got("again-word", 2)
    assert first.body == second.body


def test_a_pressed_button_has_its_real_payload(slack: WebClient, sandbox: Sandbox, receiver: Receiver) -> None:
    ts = slack.chat_postMessage(channel="C0SUPPORT", text="press-word", blocks=ACTIONS)["ts"]
    sandbox.press("U0ADA", "C0SUPPORT", ts, "take")
    (call,) = [one for one in receiver.got("press-word", 2) if one.path == "/webhooks/slack/interactivity"]
    payload = payload_in(call)
    assert (payload["type"], payload["user"]["id"], payload["container"]["message_ts"]) == (
        "block_actions",
        "U0ADA",
        ts,
    )
    assert (payload["actions"][0]["action_id"], payload["actions"][0]["value"]) == ("take", "7")
    assert SignatureVerifier(ENVIRONMENT["SLACK_SIGNING_SECRET"]).is_valid_request(call.body, dict(call.headers))


def test_a_button_that_is_not_there_cannot_be_pressed(slack: WebClient, sandbox: Sandbox) -> None:
    ts = slack.chat_postMessage(channel="C0SUPPORT", text="x", blocks=ACTIONS)["ts"]
    with pytest.raises(SandboxError, match="no button refund"):
        sandbox.press("U0ADA", "C0SUPPORT", ts, "refund")


def test_a_response_url_is_answered_and_on_the_ledger(slack: WebClient, sandbox: Sandbox, receiver: Receiver) -> None:
    ts = slack.chat_postMessage(channel="C0SUPPORT", text="answer-word", blocks=ACTIONS)["ts"]
    sandbox.press("U0BEN", "C0SUPPORT", ts, "close")
    (call,) = [one for one in receiver.got("answer-word", 2) if one.path == "/webhooks/slack/interactivity"]
    got = urllib3.request("POST", payload_in(call)["response_url"], json={"text": "closed", "replace_original": False})
    assert (got.status, sandbox.ledger("slack", "response")[-1]["text"]) == (200, "closed")


def test_a_command_is_a_signed_form(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.command("U0ADA", "C0SUPPORT", "/desk", "command-word 7")
    (call,) = receiver.got("command-word")
    fields = parse_qs(call.body.decode())
    assert (call.path, fields["command"], fields["text"]) == ("/webhooks/slack/commands", ["/desk"], ["command-word 7"])
    assert SignatureVerifier(ENVIRONMENT["SLACK_SIGNING_SECRET"]).is_valid_request(call.body, dict(call.headers))


def test_what_answers_a_command_is_shown_to_the_person(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers[b"status-word"] = [(200, {"Content-Type": "application/json"}, b'{"text": "all quiet"}')]
    sandbox.command("U0BEN", "C0SUPPORT", "/desk", "status-word")
    found = wait_for(
        lambda: [one for one in sandbox.ledger("slack", "response") if one["text"] == "all quiet"], "reply"
    )
    assert found[0]["to"] == "U0BEN"


def test_a_modal_is_opened_by_its_trigger_once_and_sent_off(
    slack: WebClient, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.command("U0ADA", "C0SUPPORT", "/desk", "modal-word")
    trigger = parse_qs(receiver.got("modal-word")[0].body.decode())["trigger_id"][0]
    label = {"type": "plain_text", "text": "Close"}
    asked = {"type": "plain_text_input", "action_id": "text"}
    why = {"type": "input", "block_id": "why", "label": label, "element": asked}
    view = {"type": "modal", "title": label, "submit": label, "blocks": [{"type": "divider"}, why]}
    view_id = slack.views_open(trigger_id=trigger, view=view)["view"]["id"]
    sandbox.submit("U0ADA", view_id, {"why": {"text": "because-word"}})
    payload = payload_in(receiver.got("because-word")[0])
    assert payload["view"]["state"]["values"]["why"]["text"]["value"] == "because-word"
