"""Home tabs and lists under hostile names, against Slack's documented limits; and what comes back of them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from channels.base import AgentAction, ExternalId, Parsed, RawEvent
from channels.listing import Home, Listing, TicketLine
from channels.slack.listing import home_view, listing_blocks
from channels.slack.manifest import SHORTCUT, manifest
from channels.slack.parse import parse
from sandbox.slack.blocks import check_blocks
from sandbox.slack.home import HOME_BLOCKS, check_home
from tests.channels.slack.test_slack_card import BODY, HOSTILE
from tests.channels.slack.test_slack_text import INJECTIONS

Json = dict[str, object]
URL = "https://acme.slack.com/"
THREAD = ExternalId(type="slack", value="T1/C1/1700000000.000100")
LINE = TicketLine(
    ticket_id=12,
    title="Late",
    client="Ana",
    channel="sms",
    status="open",
    priority="urgent",
    opened_at=datetime(2026, 11, 2, tzinfo=UTC),
    waiting_since=datetime.now(UTC) - timedelta(hours=3, minutes=1),
    assignees=("Ada",),
    thread=THREAD,
)


def hostile(words: str, size: int) -> Listing:
    line = replace(LINE, title=words, client=words, priority=words, assignees=(words,) * 99)
    return Listing(
        title=words, lines=(line,) * size, left_out=7, more=words, empty=words, below=f"{words} " * 5, free=True
    )


@pytest.mark.parametrize("words", [*HOSTILE, *INJECTIONS[::10]])
def test_no_name_makes_a_home_or_a_list_that_slack_refuses_or_a_live_mention(words: str) -> None:
    for size in (0, 1, 20, 500):
        view = json.loads(json.dumps(home_view(Home(listings=(hostile(words, size),) * 2, notice=words), URL)))
        check_home(view)
        check_blocks(view["blocks"], HOME_BLOCKS)
        listed = check_blocks(json.loads(json.dumps(listing_blocks(hostile(words, min(size, 20)), URL))))
        for shown in (view["blocks"], listed):
            text = json.dumps(shown).replace(f"<{URL}archives/C1/p1700000000000100|", "")
            assert text.count("<") == 0
            assert not {"@everyone>", "<!channel>"} & set(text.split())


def test_a_line_says_what_is_to_be_known_and_leads_to_the_thread() -> None:
    (_, section) = listing_blocks(Listing(title="Yours", lines=(LINE,)), URL)
    shown = "Ana · SMS · waits for us: 3 hours · opened 02 Nov 2026 · urgent · Ada"
    link = "https://acme.slack.com/archives/C1/p1700000000000100"
    assert section["text"]["text"] == f"\N{BULLET} *<{link}|#12 Late>*\n{shown}"  # type: ignore[index]


def read(kind: str, payload: bytes) -> tuple[Parsed, ...]:
    return parse(RawEvent(channel="slack", external_id="x", conversation="x", payload=payload, facts={"kind": kind}))


def interaction(**changes: object) -> tuple[Parsed, ...]:
    return read("interaction", urlencode({"payload": json.dumps({**BODY, **changes})}).encode())


def test_a_press_at_home_says_that_it_was_there() -> None:
    button = {"action_id": "take", "type": "button", "value": "12"}
    (action,) = interaction(
        view={"type": "home"}, container={"type": "view", "view_id": "V1"}, channel=None, actions=[button]
    )
    assert isinstance(action, AgentAction)
    assert (action.action, action.value, action.at_home, action.message) == ("take", "12", True, None)


@pytest.mark.parametrize(("tab", "actions"), [("home", ["home"]), ("messages", [])])
def test_the_home_tab_being_opened_asks_for_it_and_other_tabs_do_not(tab: str, actions: list[str]) -> None:
    event = {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": tab, "event_ts": "1.2"}
    payload = json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "E1", "event": event}).encode()
    assert [each.action for each in read("event", payload) if isinstance(each, AgentAction)] == actions


SAID: Json = {
    "type": "message",
    "user": "U2",
    "user_team": "T2",
    "text": "It burns &amp; smokes",
    "ts": "1700000000.000200",
    "thread_ts": "1700000000.000100",
    "files": [{"id": "F1", "name": "log.txt", "url_private_download": "https://files.slack.com/F1"}],
}


def test_a_shortcut_brings_the_message_that_it_was_used_on() -> None:
    (action,) = interaction(type="message_action", callback_id=SHORTCUT["callback_id"], message=SAID)
    assert isinstance(action, AgentAction)
    assert action.about is not None
    assert (action.action, action.actor.value) == ("open_ticket", "T1/U1")
    assert (action.about.sender.value, action.about.body) == ("T2/U2", "It burns & smokes")
    assert action.about.external_id == action.message == ExternalId(type="slack", value="T1/C1/1700000000.000200")
    assert action.about.references == (THREAD,)
    assert [each.name for each in action.about.attachments] == ["log.txt"]


@pytest.mark.parametrize("by", [{"bot_id": "B1"}, {"user": None}, {"subtype": "bot_message"}])
def test_a_message_of_an_app_is_brought_by_its_name_alone(by: Json) -> None:
    (action,) = interaction(type="message_action", callback_id="open_ticket", message={**SAID, **by})
    assert isinstance(action, AgentAction)
    assert action.about is None


@pytest.mark.parametrize("url", ["https://desk.example.com", None])
def test_the_manifest_asks_for_what_home_commands_and_shortcuts_need(url: str | None) -> None:
    made = json.loads(json.dumps(manifest(url)))
    assert made["features"]["app_home"]["home_tab_enabled"]
    assert [each["callback_id"] for each in made["features"]["shortcuts"]] == ["open_ticket"]
    assert "app_home_opened" in made["settings"]["event_subscriptions"]["bot_events"]
    assert made["settings"]["socket_mode_enabled"] is (url is None)
    assert ("url" in made["features"]["slash_commands"][0]) is (url is not None)
