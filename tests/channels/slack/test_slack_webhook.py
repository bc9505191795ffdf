import json
import time
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from channels.base import RawEvent, Request
from channels.errors import Refused
from channels.slack.webhook import SlackWebhook, sign

SECRET = "canary-secret"
WEBHOOK = SlackWebhook(secret=SECRET)
EVENT: dict[str, object] = {
    "type": "event_callback",
    "team_id": "T1",
    "api_app_id": "A1",
    "event_id": "Ev1",
    "event_time": 1700000000,
    "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
    "event": {
        "type": "message",
        "channel": "C1",
        "channel_type": "channel",
        "user": "U1",
        "team": "T1",
        "text": "hello",
        "ts": "1700000000.000100",
    },
}
BODY = json.dumps(EVENT).encode()


def request(body: bytes, path: str = "events", headers: Mapping[str, str] | None = None) -> Request:
    if headers is None:
        now = str(int(time.time()))
        headers = {"x-slack-request-timestamp": now, "x-slack-signature": sign(SECRET, now, body).decode()}
    path = f"/webhooks/slack/{path}"
    return Request(url="https://desk.example.com" + path, path=path, headers=headers, body=body)


def refusal(call: Request, webhook: SlackWebhook = WEBHOOK) -> int:
    with pytest.raises(Refused) as caught:
        webhook.verify(call)
    return caught.value.status


def event(**changes: object) -> bytes:
    inner = EVENT["event"]
    assert isinstance(inner, dict)
    return json.dumps({**EVENT, "event": {**inner, **changes}}).encode()


def stored(body: bytes, path: str = "events") -> tuple[RawEvent, ...]:
    return WEBHOOK.receive(request(body, path)).events


def test_a_genuine_call_is_accepted() -> None:
    WEBHOOK.verify(request(BODY))


def test_a_call_slack_repeats_is_accepted_like_a_first_one() -> None:
    call = request(BODY)
    headers = {**call.headers, "x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}
    again = request(BODY, headers=headers)
    WEBHOOK.verify(again)
    assert WEBHOOK.receive(again) == WEBHOOK.receive(call)


@pytest.mark.parametrize("age", [-301, 301, 86_400, -86_400])
def test_a_call_from_another_time_is_refused(age: int) -> None:
    then = str(int(time.time()) - age)
    headers = {"x-slack-request-timestamp": then, "x-slack-signature": sign(SECRET, then, BODY).decode()}
    assert refusal(request(BODY, headers=headers)) == 401


@pytest.mark.parametrize(
    "timestamp", ["", "abc", "1e9", "nan", "inf", "-1", "1.5", "9" * 400, "é", "\u0661\u0667", " 1", "1_0"]
)
def test_a_junk_time_is_refused(timestamp: str) -> None:
    headers = {"x-slack-request-timestamp": timestamp, "x-slack-signature": sign(SECRET, timestamp, BODY).decode()}
    assert refusal(request(BODY, headers=headers)) == 401


@pytest.mark.parametrize("change", ["", "v0=", "é", "\udcff", "v1", "short", "upper", "other"])
def test_any_other_signature_is_refused(change: str) -> None:
    now = str(int(time.time()))
    genuine = sign(SECRET, now, BODY).decode()
    other = sign("another", now, BODY).decode()
    altered = {"short": genuine[:-1], "upper": genuine.upper(), "other": other, "v1": "v1" + genuine[2:]}
    headers = {"x-slack-request-timestamp": now, "x-slack-signature": altered.get(change, change)}
    assert refusal(request(BODY, headers=headers)) == 401


@pytest.mark.parametrize(
    "body", [b"ssl_check=1&token=x", b'{"type": "url_verification", "challenge": "x"}', b"", b"\xff"]
)
def test_no_kind_of_call_is_exempt(body: bytes) -> None:
    assert refusal(request(body, headers={})) == 401
    assert refusal(request(body, headers=request(BODY).headers)) == 401


def test_without_a_secret_even_its_own_signature_is_refused() -> None:
    now = str(int(time.time()))
    headers = {"x-slack-request-timestamp": now, "x-slack-signature": sign("", now, BODY).decode()}
    assert refusal(request(BODY, headers=headers), SlackWebhook(secret="")) == 401


def test_a_body_over_one_mebibyte_is_too_large() -> None:
    assert refusal(request(b" " * (1024 * 1024 + 1))) == 413


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(WEBHOOK)


def test_the_address_is_proven_by_repeating_the_challenge() -> None:
    receipt = WEBHOOK.receive(request(b'{"type": "url_verification", "challenge": "abc123", "token": "x"}'))
    assert (receipt.events, receipt.body, receipt.content_type) == ((), "abc123", "text/plain")


def test_a_message_is_stored_untouched_under_its_own_name() -> None:
    (one,) = stored(BODY)
    assert (one.channel, one.external_id, one.conversation) == (
        "slack",
        "message:T1/C1/1700000000.000100",
        "T1/C1/1700000000.000100",
    )
    assert (one.payload, one.facts) == (BODY, {"kind": "event"})


def test_a_thread_is_one_conversation_whoever_writes() -> None:
    (one,) = stored(event(thread_ts="1690000000.000100", user="U2"))
    assert one.conversation == "T1/C1/1690000000.000100"


def test_edits_and_deletions_stand_in_line_with_their_message() -> None:
    inner = {"user": "U2", "text": "b", "ts": "1700000000.000100", "thread_ts": "1690000000.000100"}
    (edit,) = stored(event(subtype="message_changed", message=inner, previous_message={**inner, "text": "a"}))
    (gone,) = stored(event(subtype="message_deleted", previous_message=inner))
    assert edit.conversation == gone.conversation == "T1/C1/1690000000.000100"
    assert edit.facts == gone.facts == {"kind": "event", "changes": "T1/C1/1700000000.000100"}


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "app_mention"},
        {"type": "reaction_added"},
        {"subtype": "channel_join"},
        {"subtype": "channel_topic"},
        {"subtype": "bot_message", "bot_id": "B1", "app_id": "A1"},
        {"bot_id": "B1", "app_id": "A1"},
        {"bot_id": "B1", "bot_profile": {"app_id": "A1"}},
        {"user": "UBOT"},
        {"subtype": "message_changed", "message": {"user": "UBOT", "text": "card", "ts": "1.1"}},
        {"subtype": "message_deleted", "previous_message": {"user": "UBOT", "ts": "1.1"}},
        {"type": None},
        {"subtype": "message_replied"},
    ],
)
def test_what_is_certainly_nothing_for_us_is_not_stored(changes: dict[str, object]) -> None:
    assert stored(event(**changes)) == ()


def deletion(**more: object) -> bytes:
    gone: dict[str, object] = {
        "type": "message",
        "subtype": "message_deleted",
        "channel": "C1",
        "ts": "1700000009.000100",
    }
    gone["previous_message"] = {"type": "message", "user": "U1", "text": "x", "ts": "1700000000.000100"}
    return json.dumps({**EVENT, "event": gone, **more}).encode()


def test_what_is_no_new_message_is_stored_under_its_event_id() -> None:
    (one,) = stored(deletion())
    assert one.external_id == "Ev1"


def test_an_event_without_an_id_is_stored_under_its_fingerprint() -> None:
    (one,) = stored(deletion(event_id=None))
    assert one.external_id.startswith("sha256:")


def test_a_message_is_the_same_whichever_event_brings_it() -> None:
    (one,), (again,) = stored(BODY), stored(json.dumps({**EVENT, "event_id": "Ev2"}).encode())
    assert one.external_id == again.external_id


def test_a_press_is_stored_once_however_often_slack_repeats_it() -> None:
    press = {"type": "block_actions", "trigger_id": "1", "team": {"id": "T1"}, "channel": {"id": "C1"}}
    press["container"] = {"message_ts": "1700000000.000100", "thread_ts": "1690000000.000100"}
    body = urlencode({"payload": json.dumps(press)}).encode()
    again = urlencode({"payload": json.dumps({**press, "trigger_id": "2"})}).encode()
    (first,), (second,), (third,) = (stored(each, "interactivity") for each in (body, body, again))
    assert first == second
    assert first.external_id != third.external_id
    assert (first.conversation, first.facts) == ("T1/C1/1690000000.000100", {"kind": "interaction"})


def test_a_command_is_stored_for_its_person_and_place() -> None:
    body = b"team_id=T1&channel_id=C1&user_id=U1&command=%2Fdesk&text=help&trigger_id=1"
    (one,) = stored(body, "commands")
    assert (one.conversation, one.facts, one.payload) == ("T1/C1/U1", {"kind": "command"}, body)
    assert WEBHOOK.receive(request(b"ssl_check=1", "commands")).events == ()


@pytest.mark.parametrize("path", ["", "event", "events/", "../slack/events", "status"])
def test_other_paths_do_not_exist(path: str) -> None:
    with pytest.raises(Refused) as caught:
        WEBHOOK.receive(request(BODY, path))
    assert caught.value.status == 404


@pytest.mark.parametrize("path", ["events", "interactivity", "commands"])
@pytest.mark.parametrize(
    "body",
    [b"\xff", b"{", b"[]", b"null", b"1", b'"text"', b"[" * 100_000, b'{"a":' * 100_000, b"payload=%5B", b"f=1&" * 300],
)
def test_an_unreadable_body_is_refused_or_nothing(path: str, body: bytes) -> None:
    try:
        assert WEBHOOK.receive(request(body, path)).events == ()
    except Refused as error:
        status = error.status
    else:
        status = 400
    assert status == 400


def conversation(**changes: object) -> str:
    (raw,) = stored(event(**changes))
    return raw.conversation


def test_a_root_its_replies_edits_and_deletion_are_one_conversation() -> None:
    root, mark = EVENT["event"], "1700000000.000100"
    edit = {"subtype": "message_changed", "ts": "1700000009.000100", "message": root, "previous_message": root}
    deletion = {"subtype": "message_deleted", "ts": "1700000009.000100", "deleted_ts": mark, "previous_message": root}
    reply = {"ts": "1700000005.000100", "thread_ts": mark, "user": "U2"}
    assert {conversation(), conversation(**reply), conversation(**edit), conversation(**deletion)} == {f"T1/C1/{mark}"}


def test_a_direct_messages_conversation_is_the_person() -> None:
    direct = {"channel": "D1", "channel_type": "im"}
    assert conversation(**direct) == conversation(**direct, ts="1700000005.000100") == "T1/D1/U1"
