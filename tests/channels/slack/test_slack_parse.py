import json
import random
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from channels.base import AgentAction, ExternalId, InboundMessage, Parsed, RawEvent
from channels.errors import Malformed
from channels.slack.parse import parse

Json = dict[str, object]

MESSAGE: Json = {
    "type": "message",
    "channel": "C1",
    "channel_type": "channel",
    "user": "U1",
    "team": "T1",
    "text": "Hello &amp; <https://shop.example.com/a?b=1&amp;c=2|our shop>",
    "ts": "1700000000.000100",
    "client_msg_id": "5f0b4a9e-8d6a-1f1d-7a3f-0b110c7e1f1e",
}
FILE: Json = {
    "id": "F1",
    "name": "receipt.pdf",
    "mimetype": "application/pdf",
    "mode": "hosted",
    "url_private": "https://files.slack.com/files-pri/T1-F1/receipt.pdf",
    "url_private_download": "https://files.slack.com/files-pri/T1-F1/download/receipt.pdf",
}
PRESS: Json = {
    "type": "block_actions",
    "user": {"id": "U1", "team_id": "T1"},
    "team": {"id": "T1"},
    "channel": {"id": "C1"},
    "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C1"},
    "message": {"ts": "1700000000.000100"},
    "response_url": "https://hooks.slack.com/actions/T1/1/x",
    "actions": [{"action_id": "take", "value": "12", "type": "button"}],
}


def slack(*parts: str) -> ExternalId:
    return ExternalId(type="slack", value="/".join(parts))


def envelope(event: Json, **changes: object) -> Json:
    bots = [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}]
    base = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "authorizations": bots}
    return {**base, "event": event, **changes}


def read(payload: bytes, kind: str = "event") -> tuple[Parsed, ...]:
    return parse(RawEvent(channel="slack", external_id="x", conversation="x", payload=payload, facts={"kind": kind}))


def parsed(event: Json, **changes: object) -> tuple[Parsed, ...]:
    return read(json.dumps(envelope(event, **changes)).encode())


def message(**changes: object) -> InboundMessage:
    (value,) = parsed({**MESSAGE, **changes})
    assert isinstance(value, InboundMessage)
    return value


def action(event: Json) -> AgentAction:
    (value,) = parsed(event)
    assert isinstance(value, AgentAction)
    return value


def pressed(**changes: object) -> tuple[Parsed, ...]:
    return read(urlencode({"payload": json.dumps({**PRESS, **changes})}).encode(), "interaction")


def test_a_message_in_a_channel() -> None:
    value = message()
    assert value.external_id == slack("T1", "C1", "1700000000.000100")
    assert (value.sender, value.recipients) == (slack("T1", "U1"), (slack("T1", "C1"),))
    assert value.body == "Hello & our shop (https://shop.example.com/a?b=1&c=2)"
    assert value.sent_at == datetime.fromtimestamp(1700000000.0001, UTC)
    assert (value.references, value.mentions, value.attachments) == ((), (), ())


def test_a_reply_refers_to_its_threads_first_message() -> None:
    assert message(thread_ts="1690000000.000100").references == (slack("T1", "C1", "1690000000.000100"),)


def test_a_reply_shown_in_the_channel_too_is_a_reply() -> None:
    assert message(thread_ts="1690000000.000100", subtype="thread_broadcast").references


def test_a_direct_message_goes_to_its_channel_and_to_the_workspace() -> None:
    assert message(channel="D1", channel_type="im").recipients == (slack("T1", "D1"), slack("T1"))


def test_someone_of_another_company_keeps_their_workspace() -> None:
    value = message(user="U9", user_team="T9", team="T9")
    assert value.sender == slack("T9", "U9")
    assert value.recipients == (slack("T1", "C1"),)


def test_in_a_shared_channel_the_authorization_says_which_workspace_is_ours() -> None:
    (value,) = parsed({**MESSAGE, "user_team": "T9"}, team_id="T9", is_ext_shared_channel=True)
    assert isinstance(value, InboundMessage)
    assert (value.sender, value.recipients) == (slack("T9", "U1"), (slack("T1", "C1"),))


def test_named_colleagues_are_mentions() -> None:
    value = message(text="<@U2> and <@U3|bo> and <@U2>, please")
    assert value.mentions == (slack("T1", "U2"), slack("T1", "U3"))
    assert value.body == "@U2 and @bo and @U2, please"


def test_naming_a_group_or_everyone_is_naming_colleagues() -> None:
    value = message(text="<!subteam^S1|@team> <!subteam^S2> <!here> <!channel> <!everyone|@everyone>, look")
    assert value.mentions == tuple(slack("T1", one) for one in ("S1", "S2", "!here", "!channel", "!everyone"))


def test_files_that_our_token_opens_are_attachments() -> None:
    gone, external = {"id": "F2", "mode": "tombstone"}, {**FILE, "mode": "external"}
    value = message(subtype="file_share", text="", files=[FILE, gone, external, {"id": "F3"}, None])
    (file,) = value.attachments
    assert (file.name, file.content_type, file.url) == ("receipt.pdf", "application/pdf", FILE["url_private_download"])


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B9", "app_id": "A9"},
        {"bot_id": "B1", "app_id": "A1"},
        {"user": "UBOT"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
        {"type": "app_mention"},
        {"subtype": "message_changed", "message": {**MESSAGE, "bot_id": "B9"}, "previous_message": {"text": "old"}},
        {"subtype": "message_deleted", "previous_message": {**MESSAGE, "bot_id": "B9"}},
        {"subtype": "message_changed", "message": {**MESSAGE, "attachments": [{}]}, "previous_message": MESSAGE},
    ],
)
def test_understood_and_nothing_for_us(changes: Json) -> None:
    assert parsed({**MESSAGE, **changes}) == ()


def test_an_edit_says_who_what_and_where() -> None:
    edited = {"user": "U1", "ts": "1700000003.000000"}
    new = {**MESSAGE, "text": "for <@U2> &lt;3", "thread_ts": "1690000000.000100", "edited": edited}
    value = action({**MESSAGE, "user": None, "subtype": "message_changed", "message": new, "previous_message": MESSAGE})
    assert value.edited_at == message(edited=edited).edited_at == datetime.fromtimestamp(1700000003, UTC)
    assert (value.action, value.actor, value.value) == ("edit", slack("T1", "U1"), "for @U2 <3")
    assert value.thread == slack("T1", "C1", "1690000000.000100")
    assert value.message == slack("T1", "C1", "1700000000.000100")
    assert value.mentions == (slack("T1", "U2"),)


def edited_files(before: list[Json], after: list[Json]) -> tuple[Parsed, ...]:
    new, old = {**MESSAGE, "files": after}, {**MESSAGE, "files": before}
    return parsed({**MESSAGE, "subtype": "message_changed", "message": new, "previous_message": old})


def test_an_edit_of_the_files_alone_is_an_edit() -> None:
    gone: Json = {"id": "F1", "mode": "tombstone"}
    other: Json = {**FILE, "id": "F2"}
    cases: list[tuple[list[Json], tuple[str, ...]]] = [
        ([], ()),
        ([FILE, other], ("F1", "F2")),
        ([gone], ()),
        ([gone, other], ("F2",)),
    ]
    for after, left in cases:
        (value,) = edited_files([FILE], after)
        assert isinstance(value, AgentAction)
        assert (value.action, value.message) == ("edit", slack("T1", "C1", "1700000000.000100"))
        assert value.files == left
    assert edited_files([FILE], [{**FILE, "name": "renamed.pdf"}]) == ()


def test_a_deletion_is_the_authors() -> None:
    old = {**MESSAGE, "thread_ts": "1690000000.000100"}
    event = {"type": "message", "subtype": "message_deleted", "channel": "C1", "ts": "1700000009.000100"}
    value = action({**event, "deleted_ts": "1700000000.000100", "previous_message": old})
    assert (value.action, value.actor) == ("delete", slack("T1", "U1"))
    assert value.thread == slack("T1", "C1", "1690000000.000100")
    assert value.message == slack("T1", "C1", "1700000000.000100")


def test_a_deleted_message_that_has_answers_is_deleted_too() -> None:
    stone = {
        "subtype": "tombstone",
        "user": "USLACKBOT",
        "text": "This message was deleted.",
        "ts": "1700000000.000100",
    }
    value = action({**MESSAGE, "subtype": "message_changed", "message": stone, "previous_message": MESSAGE})
    assert (value.action, value.actor) == ("delete", slack("T1", "U1"))


def test_a_pressed_button() -> None:
    (value,) = pressed()
    assert value == AgentAction(
        actor=slack("T1", "U1"),
        action="take",
        value="12",
        thread=slack("T1", "C1", "1700000000.000100"),
        message=slack("T1", "C1", "1700000000.000100"),
        answer_url="https://hooks.slack.com/actions/T1/1/x",
    )


def test_a_button_inside_a_thread_belongs_to_the_threads_ticket() -> None:
    (value,) = pressed(container={"message_ts": "1700000000.000100", "thread_ts": "1690000000.000100"})
    assert isinstance(value, AgentAction)
    assert value.thread == slack("T1", "C1", "1690000000.000100")
    assert value.message == slack("T1", "C1", "1700000000.000100")


def test_a_press_by_someone_of_another_company_is_theirs() -> None:
    (value,) = pressed(user={"id": "U9", "team_id": "T9"})
    assert isinstance(value, AgentAction)
    assert value.actor == slack("T9", "U9")


def test_other_interactions_mean_nothing() -> None:
    assert pressed(type="view_closed") == ()


def test_a_command() -> None:
    form = {"team_id": "T1", "user_id": "U1", "command": "/desk", "text": " give <@U2|bo> 12 "}
    (value,) = read(urlencode({**form, "response_url": "https://hooks.slack.com/c"}).encode(), "command")
    assert value == AgentAction(
        actor=slack("T1", "U1"),
        action="command",
        value="give @bo 12",
        mentions=(slack("T1", "U2"),),
        answer_url="https://hooks.slack.com/c",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"ts": None},
        {"ts": "soon"},
        {"ts": "1/2"},
        {"user": None},
        {"user": "U1/C2"},
        {"user": ["U1"]},
        {"channel": ""},
        {"channel": "C1/1"},
        {"team": "T1/U2"},
        {"subtype": "message_deleted"},
        {"subtype": "message_changed", "message": {"text": "new"}},
    ],
)
def test_a_message_without_its_essentials_is_malformed(changes: Json) -> None:
    with pytest.raises(Malformed):
        parsed({**MESSAGE, **changes})


@pytest.mark.parametrize("kind", ["event", "interaction", "command", "other"])
@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"{", b"[]", b"null", b"{}", b"[" * 100_000, b"payload=1", b"a&" * 300]
)
def test_garbage_is_malformed(kind: str, payload: bytes) -> None:
    with pytest.raises(Malformed):
        read(payload, kind)


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\x1bb"])
def test_what_the_database_cannot_hold_is_replaced(text: str) -> None:
    assert "\N{REPLACEMENT CHARACTER}" in message(text=text).body


def damaged(chance: random.Random, value: object) -> object:
    """Replace something, somewhere inside, with something of another kind."""
    junk: list[object] = [None, 0, -1.5, True, "", "x", "\ud800", [], {}, [[]], {"a": 1}, "T/U", "1.1"]
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(sorted(value))
        return {**value, key: damaged(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.8:
        return [damaged(chance, value[0]), *value[1:]]
    return chance.choice(junk)


@pytest.mark.parametrize("seed", range(4))
def test_two_thousand_damaged_calls_raise_nothing_but_malformed(seed: int) -> None:
    chance = random.Random(seed)
    edit = {**MESSAGE, "subtype": "message_changed", "message": MESSAGE, "previous_message": {**MESSAGE, "text": "old"}}
    shapes = [envelope({**MESSAGE, "files": [FILE]}), envelope(edit), PRESS]
    for _ in range(500):
        shape = chance.choice(shapes)
        text = json.dumps(damaged(chance, damaged(chance, shape)))
        press = shape is PRESS
        payload = urlencode({"payload": text}).encode() if press else text.encode()
        try:
            read(payload, "interaction" if press else "event")
        except Malformed:
            continue
