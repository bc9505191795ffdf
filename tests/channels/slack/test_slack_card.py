"""The card and its forms under hostile names, against Slack's documented limits, and how what is chosen comes back."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from channels.base import AgentAction, Button, Choice, ExternalId, Menu, Parsed, RawEvent, Sign, TicketCard
from channels.errors import Malformed
from channels.slack.blocks import card_blocks
from channels.slack.form import form
from channels.slack.manifest import manifest
from channels.slack.parse import parse
from sandbox.slack.blocks import check_blocks
from sandbox.slack.menus import check_view, option, options
from tests.channels.slack.test_slack_text import CARD, INJECTIONS, without_our_moments

Json = dict[str, object]

HOSTILE = [
    *("&" * 300, "<" * 300, "🎉" * 300, "x" * 300, "", " ", "\x00\n\t", "<!channel>", "\u202egnp.exe", "word & " * 60),
    *("a\nb", "*" * 300, "&amp;" * 60, "\N{ZERO WIDTH SPACE}" * 80),
]
SIZES = [1, 25, 26, 100, 101, 250, 10_000, 10_001]


def menu(label: str, size: int, *, several: bool = False) -> Menu:
    choices = tuple(Choice(label=label, value=str(number)) for number in range(size))
    return Menu(label=label, action="tags", value="12", choices=choices, chosen=("0",), several=several)


def hostile_card(label: str, size: int) -> TicketCard:
    return replace(
        CARD,
        title=label,
        client=label,
        address=label,
        department=label,
        priority=label,
        assignees=(label,) * 200,
        tags=(label,) * 200,
        warnings=(label or "-",) * 30,
        menus=tuple(replace(menu(label, size), action=f"menu{number}") for number in range(4)),
        more=tuple(Button(label=label, action="block", value="12") for _ in range(9)),
        buttons=tuple(Button(label=label, action=f"ask{number}", value="12") for number in range(4)),
        answer_until=datetime(2026, 11, 22, 15, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize("size", [1, 26, 101])
@pytest.mark.parametrize("label", HOSTILE)
def test_no_name_makes_a_card_that_slack_refuses(label: str, size: int) -> None:
    assert check_blocks(card_blocks(hostile_card(label, size)))


@pytest.mark.parametrize("size", SIZES)
def test_any_number_of_choices_makes_a_form_that_slack_takes(size: int) -> None:
    view = json.loads(json.dumps(form(menu("&" * 300, size, several=True), "https://hooks.slack.com/actions/T/1/x")))
    check_view(view)
    check_blocks(view["blocks"])
    assert len(options(view["blocks"][0]["element"])) == min(size, 10_000)


@pytest.mark.parametrize("label", [*HOSTILE, *INJECTIONS[::10]])
def test_no_name_makes_a_form_that_slack_refuses_or_a_live_bracket(label: str) -> None:
    view = json.loads(json.dumps(form(menu(label, 101), "https://hooks.slack.com/" + "x" * 5000)))
    check_view(view)
    check_blocks(view["blocks"])
    assert not set("<>") & set(json.dumps(view["blocks"]))


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_menu_lets_a_live_bracket_through(text: str) -> None:
    assert not set("<>") & set(without_our_moments(json.dumps(card_blocks(hostile_card(text, 3)))))


def test_a_card_that_moved_says_where_to_and_holds_nothing_to_press() -> None:
    blocks = check_blocks(card_blocks(replace(hostile_card("x", 3), moved_to="<!channel> & co")))
    assert "&lt;!channel&gt; &amp; co" in json.dumps(blocks)
    assert "action_id" not in json.dumps(blocks)


def test_what_is_chosen_now_is_shown_as_chosen() -> None:
    status = Menu(label="Status", action="status", value="12", choices=(Choice(label="open", value="open"),))
    blocks = json.loads(json.dumps(card_blocks(replace(CARD, menus=(replace(status, chosen=("open",)),)))))
    element = blocks[2]["elements"][0]
    assert element["initial_option"] == option(element, "12:open")


def test_a_menu_without_choices_is_left_out() -> None:
    assert "static_select" not in json.dumps(card_blocks(replace(CARD, menus=(menu("x", 0),))))


@pytest.mark.parametrize(("hours", "over"), [(5.5, False), (-1, True)])
def test_the_end_of_the_window_is_told_by_the_readers_clock(hours: float, *, over: bool) -> None:
    end = datetime.now(UTC) + timedelta(hours=hours)
    shown = json.dumps(card_blocks(replace(CARD, answer_until=end)))
    assert shown.count(f"<!date^{end.timestamp():.0f}^{{ago}}|") == (not over)
    assert f"<!date^{end.timestamp():.0f}^{{date_short_pretty}} {{time}}|{end:%d %b %Y, %H:%M} UTC>" in shown
    assert ("over: no answer is taken" in shown) is over


def test_a_title_with_asterisks_is_bold_to_its_end() -> None:
    title = card_blocks(replace(CARD, title="**Help** with 5*3"))[0]
    assert json.dumps(title, ensure_ascii=False).count("*") == 2


# What comes back

BODY: Json = {
    "type": "block_actions",
    "user": {"id": "U1", "team_id": "T1"},
    "team": {"id": "T1"},
    "channel": {"id": "C1"},
    "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C1"},
    "response_url": "https://hooks.slack.com/actions/T1/1/x",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
}


def read(body: Json) -> tuple[Parsed, ...]:
    payload = urlencode({"payload": json.dumps(body)}).encode()
    kind = {"kind": "interaction"}
    return parse(RawEvent(channel="slack", external_id="x", conversation="x", payload=payload, facts=kind))


def acted(body: Json) -> AgentAction:
    (said,) = read(body)
    assert isinstance(said, AgentAction)
    return said


def chosen(element: Json) -> AgentAction:
    return acted({**BODY, "actions": [element]})


def test_a_choice_names_the_ticket_and_what_was_chosen() -> None:
    picked = {"text": {"type": "plain_text", "text": "closed"}, "value": "12:closed"}
    said = chosen({"type": "static_select", "action_id": "status", "block_id": "aB1", "selected_option": picked})
    assert (said.action, said.value, said.choices) == ("status", "12", ("closed",))
    assert (said.trigger, said.answer_url) == (BODY["trigger_id"], BODY["response_url"])


def test_a_further_action_is_a_button_by_another_way() -> None:
    picked = {"text": {"type": "plain_text", "text": "Block sender"}, "value": "block:12"}
    said = chosen({"type": "overflow", "action_id": "more", "selected_option": picked})
    assert (said.action, said.value, said.choices) == ("block", "12", ())


def submission(view: Json) -> Json:
    return {"type": "view_submission", "user": BODY["user"], "team": BODY["team"], "view": view}


def sent_off(picked: list[str], asked: Menu) -> AgentAction:
    view = json.loads(json.dumps(form(asked, "https://hooks.slack.com/actions/T1/1/x")))
    element = view["blocks"][0]["element"]
    state = {"type": element["type"], "selected_options": [option(element, each) for each in picked]}
    return acted(submission({**view, "state": {"values": {"choice": {"tags": state}}}}))


def test_a_form_brings_back_ticket_choices_and_where_to_answer() -> None:
    said = sent_off(["12:1", "12:2"], menu("x", 3, several=True))
    assert (said.action, said.value, said.choices) == ("tags", "12", ("1", "2"))
    assert said.answer_url == "https://hooks.slack.com/actions/T1/1/x"
    assert said.actor == ExternalId(type="slack", value="T1/U1")


def test_a_form_may_bring_back_nothing_chosen() -> None:
    assert sent_off([], menu("x", 3, several=True)).choices == ()


@pytest.mark.parametrize("kept", ["", "[]", "nonsense", "[" * 100_000])
def test_a_form_that_is_not_ours_is_malformed(kept: str) -> None:
    with pytest.raises(Malformed):
        read(submission({"callback_id": "tags", "private_metadata": kept}))


@pytest.mark.parametrize("state", [None, [], {"values": []}, {"values": {"choice": []}}, {"values": {"c": {"t": 1}}}])
def test_a_form_with_a_state_of_another_shape_chose_nothing(state: object) -> None:
    view: Json = {"callback_id": "tags", "private_metadata": '{"value": "12"}', "state": state}
    assert acted(submission(view)).choices == ()


def reaction(**changes: object) -> tuple[Parsed, ...]:
    event = {
        "type": "reaction_added",
        "user": "U1",
        "reaction": "eyes",
        "item_user": "UBOT",
        "item": {"type": "message", "channel": "C1", "ts": "1700000000.000100"},
        "event_ts": "1700000001.000200",
    }
    bots = [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}]
    body = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "authorizations": bots}
    payload = json.dumps({**body, "event": {**event, **changes}}).encode()
    facts = {"kind": "event"}
    return parse(RawEvent(channel="slack", external_id="x", conversation="x", payload=payload, facts=facts))


@pytest.mark.parametrize(
    ("emoji", "sign"), [("eyes", Sign.TAKEN), ("white_check_mark", Sign.CLOSED), ("exclamation", Sign.URGENT)]
)
def test_an_emoji_of_meaning_is_an_action_on_its_message(emoji: str, sign: Sign) -> None:
    (said,) = reaction(reaction=emoji)
    assert isinstance(said, AgentAction)
    assert (said.action, said.value) == ("sign", sign)
    assert said.message == ExternalId(type="slack", value="T1/C1/1700000000.000100")


@pytest.mark.parametrize(
    "changes",
    [
        {"reaction": "tada"},
        {"type": "reaction_removed"},
        {"item": {"type": "file", "file": "F1"}},
        {"user": "UBOT"},
        {"item": None},
    ],
)
def test_other_emoji_are_peoples_own_affair(changes: Json) -> None:
    assert reaction(**changes) == ()


def test_the_manifest_asks_for_what_emoji_need() -> None:
    asked = json.dumps(manifest(None))
    assert all(f'"{name}"' in asked for name in ("reaction_added", "reactions:read", "reactions:write"))
