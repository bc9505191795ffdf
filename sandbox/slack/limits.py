"""What Slack takes of the smaller things in blocks, and of all the blocks of a message together.

https://docs.slack.dev/reference/block-kit: blocks, block elements and composition objects, read 2026-11.
"""

from collections.abc import Iterator

from sandbox.slack.errors import SlackError
from sandbox.slack.menus import too_long
from sandbox.wire import Json

BLOCK_ID = 255
URL = 3000
ALT_TEXT = 2000
LABEL = 2000
PLACEHOLDER = 150
ACCESSIBILITY_LABEL = 75
INPUT = 3000
MARKDOWN = 12_000
CONFIRM = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
STYLES = {"primary", "danger"}
# Not documented. Observed by others: github.com/slackapi/bolt-js/issues/2509.
ALL_TEXT = 13_200

# Which kind of text each place takes; other places take both.
PLAIN = {"header": ("text",), "input": ("label", "hint"), "button": ("text",)}
TEXTS = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}


def faults_of_rest(block: Json, at: str) -> Iterator[str]:
    """Go through what Slack would refuse of a block, beyond its texts and buttons."""
    if len(block.get("block_id", "")) > BLOCK_ID:
        yield f"must be less than {BLOCK_ID + 1} characters [json-pointer:{at}/block_id]"
    if block.get("type") == "markdown" and not 0 < len(block.get("text", "")) <= MARKDOWN:
        yield f"1 to {MARKDOWN} characters allowed [json-pointer:{at}/text]"
    for inside in _objects(block):
        yield from _faults_of_texts(inside, at)
        yield from _faults_of_element(inside, at)


def check_all(blocks: list[Json]) -> None:
    """Refuse blocks that are too much together. Raises `SlackError`."""
    names = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(names)) < len(names):
        raise SlackError("invalid_blocks", ("[ERROR] block_id already exists [json-pointer:/blocks]",))
    written = (inside["text"] for block in blocks for inside in _objects(block))
    if sum(len(text) for text in written if isinstance(text, str)) > ALL_TEXT:
        raise SlackError("msg_blocks_too_long")


def _objects(inside: object) -> Iterator[Json]:
    """Yield every object in a block, itself first; those without a text get an empty one."""
    if isinstance(inside, list):
        for one in inside:
            yield from _objects(one)
    elif isinstance(inside, dict):
        yield {"text": "", **inside}
        for one in inside.values():
            yield from _objects(one)


def _faults_of_texts(inside: Json, at: str) -> Iterator[str]:
    kind = inside.get("type")
    if kind in TEXTS and set(inside) - TEXTS[kind]:
        yield f"no more keys than {sorted(TEXTS[kind])} allowed in {kind} [json-pointer:{at}]"
    for name in PLAIN.get(str(kind), ()):
        if isinstance(inside.get(name), dict) and inside[name].get("type") != "plain_text":
            yield f"must be plain_text [json-pointer:{at}/{name}]"
    if kind == "input":
        yield from too_long(inside.get("label"), LABEL, f"{at}/label")
        yield from too_long(inside["hint"], LABEL, f"{at}/hint") if "hint" in inside else ()


def _faults_of_element(inside: Json, at: str) -> Iterator[str]:
    for name, limit in {"url": URL, "image_url": URL, "alt_text": ALT_TEXT, "initial_value": INPUT}.items():
        if len(inside.get(name, "")) > limit:
            yield f"must be less than {limit + 1} characters [json-pointer:{at}/{name}]"
    if len(inside.get("accessibility_label", "")) > ACCESSIBILITY_LABEL:
        yield f"must be less than {ACCESSIBILITY_LABEL + 1} characters [json-pointer:{at}/accessibility_label]"
    if inside.get("type") == "image" and not inside.get("alt_text"):
        yield f"missing required field: alt_text [json-pointer:{at}]"
    if inside.get("type") == "button" and inside.get("style", "danger") not in STYLES:
        yield f"style must be one of {sorted(STYLES)} [json-pointer:{at}/style]"
    if inside.get("type") == "plain_text_input" and "placeholder" in inside:
        yield from too_long(inside["placeholder"], PLACEHOLDER, f"{at}/placeholder")
    for name, limit in CONFIRM.items() if "type" in inside and "confirm" in inside else ():
        yield from too_long(inside["confirm"].get(name), limit, f"{at}/confirm/{name}")
