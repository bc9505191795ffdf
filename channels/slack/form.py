"""Menus, and forms to choose or to write in: how they are shown, and how they come back.

Limits: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element, .../composition-objects and
https://docs.slack.dev/reference/views/modal-views.
"""

import json
from collections.abc import Iterator, Sequence

from channels.base import Blank, Menu, Sheet, clean_line, clean_text
from channels.slack.mrkdwn import escape, pieces
from channels.slack.payload import Json, read_json

LABEL_LIMIT = 75
_TITLE_LIMIT = 24
_PLACEHOLDER_LIMIT = 150
# Of one menu or group, and of groups: a menu of ours shows at most 10,000.
_OPTIONS = 100
_GROUPS = 100
# Slack keeps 3,000 characters for a form; its own addresses for answers have some hundred.
_LONGEST_URL = 2000
_TEXT_LIMIT = 2900
_FILLED_LIMIT = 1000
# Of a form's hundred blocks one is the text.
_BLANKS = 99
# Before the name of a blank, in the id of its block.
BLANK = "blank-"


def plain_text(words: str, limit: int) -> Json:
    """Return a text without marks, cut so that it fits even escaped, and never empty: Slack refuses both."""
    first = next(pieces(clean_line(words), limit))
    return {"type": "plain_text", "text": escape(first) or "(no name)", "emoji": True}


def menu_element(menu: Menu) -> Json:
    """Return a menu; it has no block id of ours, so that Slack shows what is chosen anew with every update."""
    options: list[Json] = [
        {"text": plain_text(choice.label, LABEL_LIMIT), "value": f"{menu.value}:{choice.value}"}
        for choice in menu.choices[: _OPTIONS * _GROUPS]
    ]
    chosen = [option for option, choice in zip(options, menu.choices, strict=False) if choice.value in menu.chosen]
    return {
        "type": "multi_static_select" if menu.several else "static_select",
        "action_id": menu.action,
        "placeholder": plain_text(menu.label, _PLACEHOLDER_LIMIT),
        **_grouped(options, [choice.label for choice in menu.choices]),
        **_initial(menu, chosen),
    }


def form(asked: Menu | Sheet, answer_url: str) -> Json:
    """Return the form that asks for a choice or for texts; it carries what is needed when it comes back."""
    kept = {"value": asked.value, "answer_url": answer_url if len(answer_url) <= _LONGEST_URL else ""}
    return {
        "type": "modal",
        "callback_id": asked.action,
        "private_metadata": json.dumps(kept),
        "title": plain_text(_title(asked), _TITLE_LIMIT),
        "submit": plain_text("Save" if isinstance(asked, Menu) else "Send", _TITLE_LIMIT),
        "close": plain_text("Cancel", _TITLE_LIMIT),
        "blocks": [_choice(asked)] if isinstance(asked, Menu) else list(_sheet(asked)),
    }


def _title(asked: Menu | Sheet) -> str:
    if isinstance(asked, Sheet):
        return asked.label
    return asked.title or f"Ticket #{asked.value}"


def _choice(menu: Menu) -> Json:
    return {
        "type": "input",
        "block_id": "choice",
        "optional": menu.several,
        "label": plain_text(menu.label, LABEL_LIMIT),
        "element": menu_element(menu),
    }


def _sheet(sheet: Sheet) -> Iterator[Json]:
    yield {"type": "section", "text": plain_text(sheet.text, _TEXT_LIMIT)}
    yield from (_blank(blank) for blank in sheet.blanks[:_BLANKS])


def _blank(blank: Blank) -> Json:
    return {
        "type": "input",
        "block_id": f"{BLANK}{blank.name}",
        "label": plain_text(blank.label, LABEL_LIMIT),
        "element": {"type": "plain_text_input", "action_id": "text", "max_length": _FILLED_LIMIT},
    }


def read_metadata(kept: str) -> Json:
    """Return what a form carried; raises `ValueError`."""
    return read_json(kept)


def ticket_and_choice(value: str) -> tuple[str, str]:
    """Return what an option's value names: what the menu is about, and what was chosen."""
    about, _, choice = value.partition(":")
    return clean_text(about), clean_text(choice)


def _grouped(options: list[Json], labels: Sequence[str]) -> Json:
    """Return the options, more than a hundred of them in groups that are named after their first and last."""
    if len(options) <= _OPTIONS:
        return {"options": options}
    starts = range(0, len(options), _OPTIONS)
    groups = [
        {"label": _span(labels[start : start + _OPTIONS]), "options": options[start : start + _OPTIONS]}
        for start in starts
    ]
    return {"option_groups": groups}


def _span(labels: Sequence[str]) -> Json:
    return plain_text(f"{labels[0][:30]} \N{EN DASH} {labels[-1][:30]}", LABEL_LIMIT)


def _initial(menu: Menu, chosen: Sequence[Json]) -> Json:
    if not chosen:
        return {}
    return {"initial_options": list(chosen)} if menu.several else {"initial_option": chosen[0]}
