"""Slack's limits on blocks, and where in them the buttons are."""

from collections.abc import Iterator

from sandbox.slack.errors import SlackError
from sandbox.slack.limits import faults_of_rest
from sandbox.slack.menus import NOT_IN_ACTIONS, SELECTS, faults_of_menu, too_long
from sandbox.wire import Json

# docs.slack.dev, Block Kit reference
BLOCKS = 50
SECTION_TEXT = 3000
HEADER_TEXT = 150
FIELDS = 10
FIELD_TEXT = 2000
ELEMENTS = {"actions": 25, "context": 10}
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
ACTION_ID = 255
KNOWN = {
    "section",
    "header",
    "divider",
    "actions",
    "context",
    "image",
    "input",
    "rich_text",
    "markdown",
    "file",
    "video",
}


def check_blocks(blocks: object, most: int = BLOCKS) -> list[Json]:
    """Return the blocks if Slack would take them, in a message unless `most` says otherwise. Raises `SlackError`."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise SlackError("invalid_blocks_format")
    notes = [note for place, block in enumerate(blocks) for note in _faults_of(block, f"/blocks/{place}")]
    if len(blocks) > most:
        notes.append(f"no more than {most} items allowed [json-pointer:/blocks]")
    if notes:
        raise SlackError("invalid_blocks", tuple(f"[ERROR] {note}" for note in notes))
    return blocks


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Go through everything that can be pressed, each with its block."""
    for block in blocks:
        alone = block.get("element") if block.get("type") == "input" else block.get("accessory")
        inside = block.get("elements", []) if block.get("type") == "actions" else [alone]
        yield from ((block, element) for element in inside if isinstance(element, dict) and "action_id" in element)


def _faults_of(block: Json, at: str) -> Iterator[str]:
    kind = block.get("type")
    if kind not in KNOWN:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
    if kind == "section":
        yield from _faults_of_section(block, at)
    if kind == "header":
        yield from too_long(block.get("text"), HEADER_TEXT, at)
    inside = block.get("elements", [])
    if kind in ELEMENTS and not 0 < len(inside) <= ELEMENTS[kind]:
        yield f"1 to {ELEMENTS[kind]} items allowed [json-pointer:{at}/elements]"
    if kind == "context":
        for one in inside:
            yield from too_long(one, SECTION_TEXT, at) if one.get("type") != "image" else ()
    yield from _faults_of_pressable(block, at)
    yield from faults_of_rest(block, at)


def _faults_of_pressable(block: Json, at: str) -> Iterator[str]:
    pressable = [element for _, element in elements([block])]
    if len({element["action_id"] for element in pressable}) < len(pressable):
        yield f"action_id must be unique within a block [json-pointer:{at}/elements]"
    for element in pressable:
        yield from _faults_of_button(element, at)
        if element.get("type") in SELECTS:
            yield from faults_of_menu(element, at)
        if block.get("type") == "actions" and element.get("type") in NOT_IN_ACTIONS:
            yield f"unsupported element: {element['type']} [json-pointer:{at}/elements]"


def _faults_of_section(block: Json, at: str) -> Iterator[str]:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        yield f"missing required field: text [json-pointer:{at}]"
    if "text" in block:
        yield from too_long(block["text"], SECTION_TEXT, at)
    if len(fields) > FIELDS:
        yield f"no more than {FIELDS} items allowed [json-pointer:{at}/fields]"
    for one in fields:
        yield from too_long(one, FIELD_TEXT, at)


def _faults_of_button(element: Json, at: str) -> Iterator[str]:
    if len(element["action_id"]) > ACTION_ID:
        yield f"must be no more than {ACTION_ID} characters [json-pointer:{at}/action_id]"
    if element.get("type") == "button":
        yield from too_long(element.get("text"), BUTTON_TEXT, at)
        if len(element.get("value", "")) > BUTTON_VALUE:
            yield f"must be no more than {BUTTON_VALUE} characters [json-pointer:{at}/value]"
