"""The real slack_sdk client against the sandbox."""

import base64

import pytest
import urllib3
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.client import Sandbox
from sandbox.slack.world import OTHER_TEAM, Person


def refusal(error: pytest.ExceptionInfo[SlackApiError]) -> str:
    return str(error.value.response["error"])


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_auth_test_names_the_bot(slack: WebClient) -> None:
    answer = slack.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0FRONTDESK", "B0FRONTDESK", "T0DESK")


def test_a_wrong_token_is_invalid_auth(slack: WebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        slack.auth_test(token="xoxb-other")
    assert refusal(error) == "invalid_auth"


def test_a_post_is_one_effect_with_its_metadata(slack: WebClient, sandbox: Sandbox) -> None:
    metadata = {"event_type": "reply", "event_payload": {"key": "k-1"}}
    ts = slack.chat_postMessage(channel="C0SUPPORT", text="hello", metadata=metadata)["ts"]
    (effect,) = [one for one in sandbox.ledger("slack", "post") if one["ts"] == ts]
    assert (effect["channel"], effect["text"], effect["metadata"]) == ("C0SUPPORT", "hello", metadata)


def test_a_post_under_another_name_has_no_user(slack: WebClient) -> None:
    answer = slack.chat_postMessage(channel="C0SUPPORT", text="hello", username="Cleo", icon_emoji=":bust:")
    message = answer["message"]
    assert (message["subtype"], message["username"], message["icons"]) == ("bot_message", "Cleo", {"emoji": ":bust:"})
    assert "user" not in message


def test_a_reply_is_found_in_its_thread_by_metadata(slack: WebClient) -> None:
    root = slack.chat_postMessage(channel="C0SUPPORT", text="root")["ts"]
    metadata = {"event_type": "reply", "event_payload": {"key": "k-2"}}
    ts = slack.chat_postMessage(channel="C0SUPPORT", text="in", thread_ts=root, metadata=metadata)["ts"]
    found = slack.conversations_replies(channel="C0SUPPORT", ts=root, oldest=root, include_all_metadata=True)[
        "messages"
    ]
    assert [(one["ts"], one.get("metadata")) for one in found] == [(root, None), (ts, metadata)]


def test_metadata_is_shown_only_when_asked_for(slack: WebClient) -> None:
    metadata = {"event_type": "reply", "event_payload": {"key": "k-3"}}
    slack.chat_postMessage(channel="C0SUPPORT", text="hello", metadata=metadata)
    assert "metadata" not in slack.conversations_history(channel="C0SUPPORT", limit=1)["messages"][0]


def test_history_is_read_page_by_page_newest_first(slack: WebClient, sandbox: Sandbox) -> None:
    sandbox.add_channel("C0PAGES", "pages")
    posted = [slack.chat_postMessage(channel="C0PAGES", text=str(number))["ts"] for number in range(5)]
    pages = [page["messages"] for page in slack.conversations_history(channel="C0PAGES", limit=2)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one["ts"] for page in pages for one in page] == posted[::-1]


def test_history_begins_after_oldest(slack: WebClient, sandbox: Sandbox) -> None:
    sandbox.add_channel("C0OLD", "old")
    first, second = (slack.chat_postMessage(channel="C0OLD", text=text)["ts"] for text in ("one", "two"))
    found = slack.conversations_history(channel="C0OLD", oldest=first)["messages"]
    assert [one["ts"] for one in found] == [second]


def test_ts_rises(slack: WebClient) -> None:
    posted = [slack.chat_postMessage(channel="C0SUPPORT", text="tick")["ts"] for _ in range(3)]
    assert posted == sorted(set(posted))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0SUPPORT", "text": ""}, "no_text"),
        ({"channel": "C0SUPPORT", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "C0SUPPORT", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": "C0SUPPORT", "text": "x", "blocks": [section("y")] * 51}, "invalid_blocks"),
        ({"channel": "C0SUPPORT", "text": "x", "blocks": [section("y" * 3001)]}, "invalid_blocks"),
    ],
)
def test_a_bad_post_gets_slacks_own_word(slack: WebClient, given: dict[str, str], code: str) -> None:
    with pytest.raises(SlackApiError) as error:
        slack.api_call("chat.postMessage", json=given)
    assert refusal(error) == code


def test_the_bot_cannot_post_where_it_is_no_member(slack: WebClient, sandbox: Sandbox) -> None:
    sandbox.leave("C0LEFT", "left")
    with pytest.raises(SlackApiError) as error:
        slack.chat_postMessage(channel="C0LEFT", text="x")
    assert refusal(error) == "not_in_channel"


def test_nothing_is_posted_in_an_archived_channel(slack: WebClient, sandbox: Sandbox) -> None:
    sandbox.add_channel("C0ARCHIVE", "archive", archived=True)
    with pytest.raises(SlackApiError) as error:
        slack.chat_postMessage(channel="C0ARCHIVE", text="x")
    assert refusal(error) == "is_archived"


def test_an_update_keeps_the_blocks_it_does_not_name(slack: WebClient) -> None:
    ts = slack.chat_postMessage(channel="C0SUPPORT", text="before", blocks=[section("kept")])["ts"]
    message = slack.chat_update(channel="C0SUPPORT", ts=ts, text="after")["message"]
    assert (message["text"], message["blocks"][0]["text"]["text"]) == ("after", "kept")


def test_a_deleted_message_is_gone(slack: WebClient) -> None:
    ts = slack.chat_postMessage(channel="C0SUPPORT", text="x")["ts"]
    slack.chat_delete(channel="C0SUPPORT", ts=ts)
    with pytest.raises(SlackApiError) as error:
        slack.chat_update(channel="C0SUPPORT", ts=ts, text="y")
    assert refusal(error) == "message_not_found"


def test_a_reaction_is_added_once_and_taken_back_once(slack: WebClient, sandbox: Sandbox) -> None:
    ts = sandbox.say("U0ADA", "C0SUPPORT", "done")
    slack.reactions_add(channel="C0SUPPORT", timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError, match="already_reacted"):
        slack.reactions_add(channel="C0SUPPORT", timestamp=ts, name="eyes")
    slack.reactions_remove(channel="C0SUPPORT", timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError, match="no_reaction"):
        slack.reactions_remove(channel="C0SUPPORT", timestamp=ts, name="eyes")


def test_an_ephemeral_message_is_in_no_history(slack: WebClient, sandbox: Sandbox) -> None:
    ts = slack.chat_postEphemeral(channel="C0SUPPORT", user="U0ADA", text="only you")["message_ts"]
    assert ts not in [one["ts"] for one in sandbox.history("C0SUPPORT")]
    assert [one["to"] for one in sandbox.ledger("slack", "ephemeral") if one["ts"] == ts] == ["U0ADA"]


def test_a_file_appears_in_its_thread_and_can_be_fetched_with_the_token(slack: WebClient, sandbox: Sandbox) -> None:
    root = slack.chat_postMessage(channel="C0SUPPORT", text="root")["ts"]
    slack.files_upload_v2(channel="C0SUPPORT", thread_ts=root, filename="a.txt", content="bytes", initial_comment="see")
    shown = sandbox.thread("C0SUPPORT", root)[1]
    fetched = urllib3.request("GET", shown["files"][0]["url_private"], headers={"Authorization": "Bearer xoxb-sandbox"})
    assert (shown["text"], shown["subtype"], fetched.data) == ("see", "file_share", b"bytes")
    (effect,) = [one for one in sandbox.ledger("slack", "file") if one["thread_ts"] == root]
    assert base64.b64decode(effect["content_base64"]) == b"bytes"


def test_a_file_without_the_token_is_a_sign_in_page(slack: WebClient, sandbox: Sandbox) -> None:
    root = slack.chat_postMessage(channel="C0SUPPORT", text="root")["ts"]
    slack.files_upload_v2(channel="C0SUPPORT", thread_ts=root, filename="b.txt", content="secret")
    fetched = urllib3.request("GET", sandbox.thread("C0SUPPORT", root)[1]["files"][0]["url_private"])
    assert fetched.headers["content-type"].startswith("text/html")
    assert b"secret" not in fetched.data


def test_people_are_what_they_are(slack: WebClient, sandbox: Sandbox) -> None:
    sandbox.add_user(Person(id="U0NEW", name="New", email="new@other.example", team=OTHER_TEAM))
    users = {
        name: slack.users_info(user=name)["user"] for name in ("U0ADA", "U0CLEO", "U0FAR", "U0GONE", "U0ROBOT", "U0NEW")
    }
    assert users["U0ADA"]["profile"]["email"] == "ada@desk.example"
    assert [users["U0CLEO"]["is_restricted"], users["U0GONE"]["deleted"], users["U0ROBOT"]["is_bot"]] == [True] * 3
    assert all(users[name]["is_stranger"] and "email" not in users[name]["profile"] for name in ("U0FAR", "U0NEW"))


def test_people_are_found_by_address_unless_gone(slack: WebClient) -> None:
    assert slack.users_lookupByEmail(email="Ben@desk.example")["user"]["id"] == "U0BEN"
    with pytest.raises(SlackApiError, match="users_not_found"):
        slack.users_lookupByEmail(email="gone@desk.example")
    with pytest.raises(SlackApiError, match="user_not_found"):
        slack.users_info(user="U0NOBODY")


def test_a_direct_conversation_is_opened_once(slack: WebClient) -> None:
    opened = {slack.conversations_open(users="U0BEN")["channel"]["id"] for _ in range(2)}
    assert opened == {"D0BEN"}
    assert slack.conversations_info(channel="D0BEN")["channel"]["user"] == "U0BEN"


def test_lists_name_what_there_is(slack: WebClient) -> None:
    assert "U0FAR" not in [one["id"] for one in slack.users_list()["members"]]
    assert "D0CLEO" in [one["id"] for one in slack.conversations_list(types="im")["channels"]]
    assert slack.team_info()["team"]["domain"] == "desk"


def test_a_permalink_leads_into_the_thread(slack: WebClient) -> None:
    root = slack.chat_postMessage(channel="C0SUPPORT", text="root")["ts"]
    reply = slack.chat_postMessage(channel="C0SUPPORT", text="reply", thread_ts=root)["ts"]
    assert f"thread_ts={root}" in slack.chat_getPermalink(channel="C0SUPPORT", message_ts=reply)["permalink"]
