import pytest

from sandbox.slack.blocks import check_blocks
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import check_all
from sandbox.wire import Json


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def button(**more: object) -> Json:
    return {"type": "button", "text": plain("Go"), "action_id": "go", "value": "1", **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def confirm(**more: object) -> Json:
    words = {"title": plain("Sure?"), "text": plain("Really?"), "confirm": plain("Yes"), "deny": plain("No")}
    return {**words, **more}


INPUT: Json = {"type": "input", "label": plain("Name"), "element": {"type": "plain_text_input", "action_id": "name"}}
IMAGE: Json = {"type": "image", "image_url": "https://desk.example/a.png", "alt_text": "a printer"}
SECTION: Json = {"type": "section", "text": mrkdwn("x" * 3000)}
LARGEST = [
    SECTION,
    {"type": "header", "text": plain("x" * 150)},
    {"type": "section", "fields": [mrkdwn("x" * 20)] * 10},
    {"type": "context", "elements": [IMAGE, *[mrkdwn("x")] * 9]},
    actions(
        *(button(action_id=f"{number:0255}", text=plain("x" * 75), value="x" * 2000) for number in range(24)),
        button(style="danger", url="https://" + "x" * 2992, confirm=confirm(text=plain("x" * 300))),
    ),
    {**INPUT, "block_id": "x" * 255, "label": plain("x" * 2000)},
    IMAGE,
    {"type": "markdown", "text": "x"},
    {"type": "divider"},
]


def test_what_is_just_within_the_limits_is_taken() -> None:
    assert check_blocks(LARGEST) == LARGEST
    check_all(LARGEST)
    assert len(check_blocks([{"type": "divider"}] * 50)) == 50


@pytest.mark.parametrize(
    "block",
    [
        {"type": "divider", "block_id": "x" * 256},
        {"type": "header", "text": plain("x" * 151)},
        {"type": "header", "text": mrkdwn("x")},
        {"type": "section", "text": {**mrkdwn("x"), "emoji": True}},
        {"type": "section", "text": {**plain("x"), "verbatim": True}},
        {"type": "section", "fields": [mrkdwn("x" * 2001)]},
        {"type": "section", "fields": [mrkdwn("x")] * 11},
        {"type": "context", "elements": [mrkdwn("x")] * 11},
        {"type": "markdown", "text": "x" * 12_001},
        actions(),
        actions(*(button(action_id=str(number)) for number in range(26))),
        actions(button(), button()),
        actions(button(text=plain("x" * 76))),
        actions(button(text=mrkdwn("x"))),
        actions(button(value="x" * 2001)),
        actions(button(action_id="x" * 256)),
        actions(button(url="https://" + "x" * 2993)),
        actions(button(style="warning")),
        actions(button(accessibility_label="x" * 76)),
        actions(button(confirm=confirm(title=plain("x" * 101)))),
        actions(button(confirm=confirm(deny=plain("x" * 31)))),
        {**SECTION, "accessory": button(text=plain(""))},
        {**IMAGE, "alt_text": ""},
        {**IMAGE, "alt_text": "x" * 2001},
        {**IMAGE, "image_url": "https://" + "x" * 2993},
        {**INPUT, "label": plain("x" * 2001)},
        {**INPUT, "hint": mrkdwn("x")},
        {**INPUT, "element": {**INPUT["element"], "placeholder": plain("x" * 151)}},
    ],
)
def test_what_is_beyond_a_limit_is_refused_as_slack_does(block: Json) -> None:
    with pytest.raises(SlackError) as error:
        check_blocks([block])
    assert error.value.code == "invalid_blocks"
    assert error.value.notes


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([SECTION] * 4 + [{"type": "section", "text": mrkdwn("x" * 1201)}], "msg_blocks_too_long"),
        ([{"type": "divider", "block_id": "same"}] * 2, "invalid_blocks"),
    ],
)
def test_what_is_too_much_together_is_refused(blocks: list[Json], code: str) -> None:
    with pytest.raises(SlackError) as error:
        check_all(blocks)
    assert error.value.code == code
