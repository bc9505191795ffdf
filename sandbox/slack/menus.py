"""Menus and forms: Slack's limits on them, and what they hold when they are used or sent off."""

from collections.abc import Iterator

from sandbox.slack.errors import SlackError
from sandbox.wire import BadRequest, Json

# docs.slack.dev, Block Kit reference (select menus, option objects) and modal views
OPTIONS = {"overflow": 5}
MOST_OPTIONS = 100
GROUPS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
PLACEHOLDER = 150
SELECTS = {"static_select", "multi_static_select", "overflow", "users_select", "multi_users_select"}
NOT_IN_ACTIONS = {"multi_static_select", "multi_users_select"}
VIEW_TITLE = 24
VIEW_BLOCKS = 100
CALLBACK_ID = 255
PRIVATE_METADATA = 3000


def options(element: Json) -> list[Json]:
    """Return all options of a menu, those in groups too."""
    grouped = [one for group in element.get("option_groups", []) for one in group.get("options", [])]
    return [*element.get("options", []), *grouped]


def option(element: Json, value: object) -> Json:
    """Return the option with this value. Raises `BadRequest`."""
    found = next((one for one in options(element) if one.get("value") == value), None)
    if found is None:
        raise BadRequest(f"{element.get('action_id')} has no option {value}")
    return found


def states(blocks: list[Json], values: Json) -> Json:
    """Return what a form holds when it is sent off. Raises `BadRequest`."""
    asked = {block["block_id"]: block["element"] for block in blocks if block.get("type") == "input"}
    strange = set(values) - set(asked)
    if strange:
        raise BadRequest(f"the form asks nothing by the name of {', '.join(sorted(strange))}")
    return {name: _state(element, values.get(name, {})) for name, element in asked.items()}


def _state(element: Json, given: Json) -> Json:
    action, kind = element["action_id"], element["type"]
    if action not in given:
        kept = {"initial_option": "selected_option", "initial_options": "selected_options", "initial_value": "value"}
        return {action: {"type": kind} | {kept[name]: element[name] for name in kept if name in element}}
    value = given[action]
    if kind == "multi_static_select":
        return {action: {"type": kind, "selected_options": [option(element, each) for each in value]}}
    if kind == "static_select":
        return {action: {"type": kind, "selected_option": option(element, value) if value else None}}
    return {action: {"type": kind, "value": value}}


def faults_of_menu(element: Json, at: str) -> Iterator[str]:
    """Go through what Slack would refuse of a menu."""
    kind = element.get("type")
    if kind in {"static_select", "multi_static_select"} and ("options" in element) == ("option_groups" in element):
        yield f"must have either options or option_groups [json-pointer:{at}]"
    if kind != "overflow" and "placeholder" in element:
        yield from too_long(element["placeholder"], PLACEHOLDER, at)
    yield from _faults_of_lists(element, at)
    for one in options(element):
        yield from too_long(one.get("text"), OPTION_TEXT, at)
        if not 0 < len(one.get("value", "")) <= OPTION_VALUE:
            yield f"a value has 1 to {OPTION_VALUE} characters [json-pointer:{at}/value]"
    for initial in [element.get("initial_option"), *element.get("initial_options", [])]:
        if initial is not None and initial not in options(element):
            yield f"initial_option must be one of the options [json-pointer:{at}/initial_option]"


def _faults_of_lists(element: Json, at: str) -> Iterator[str]:
    groups = element.get("option_groups", [])
    if "option_groups" in element and not 0 < len(groups) <= GROUPS:
        yield f"1 to {GROUPS} option_groups allowed [json-pointer:{at}/option_groups]"
    for group in groups:
        yield from too_long(group.get("label"), OPTION_TEXT, at)
    most = OPTIONS.get(str(element.get("type")), MOST_OPTIONS)
    for listed in [one["options"] for one in (element, *groups) if "options" in one]:
        if not 0 < len(listed) <= most:
            yield f"1 to {most} options allowed [json-pointer:{at}/options]"


def check_view(view: Json) -> None:
    """Refuse a form that Slack would refuse, its blocks left out. Raises `SlackError`."""
    notes = [*too_long(view.get("title"), VIEW_TITLE, "/view/title")]
    for name in ("submit", "close"):
        notes += too_long(view[name], VIEW_TITLE, f"/view/{name}") if name in view else []
    if len(view.get("callback_id", "")) > CALLBACK_ID or len(view.get("private_metadata", "")) > PRIVATE_METADATA:
        notes.append("callback_id or private_metadata is too long [json-pointer:/view]")
    if any(block.get("type") == "input" for block in view.get("blocks", [])) and "submit" not in view:
        notes.append("a form with inputs needs submit [json-pointer:/view/submit]")
    if not 0 < len(view.get("blocks", [])) <= VIEW_BLOCKS:
        notes.append(f"1 to {VIEW_BLOCKS} blocks allowed [json-pointer:/view/blocks]")
    if notes:
        raise SlackError("invalid_arguments", tuple(f"[ERROR] {note}" for note in notes))


def too_long(text: object, limit: int, at: str) -> Iterator[str]:
    """Say of a text object that it is empty or too long, if it is."""
    written = text.get("text") if isinstance(text, dict) else None
    if not isinstance(written, str) or not written:
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    elif len(written) > limit:
        yield f"must be less than {limit + 1} characters [json-pointer:{at}/text]"
