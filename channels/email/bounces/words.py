"""The words of `words.toml`, found in a notice."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))


def plain(text: str) -> str:
    """Return text as the words stand in the file: lower case, white space as single spaces."""
    return " ".join(text.lower().split())


def holds(plain_text: str, *groups: str) -> bool:
    """Say whether any word of any of the groups stands in `plain` text."""
    return any(word in plain_text for group in groups for word in _words()[group])


def is_one(plain_text: str, group: str) -> bool:
    """Say whether `plain` text is one of the words of a group."""
    return plain_text in _words()[group]


def reason(plain_text: str) -> str:
    """Return the last two numbers of the status code for how a failure is put in `plain` text, or an empty text."""
    return next((each["code"] for each in _words()["reasons"] if any(word in plain_text for word in each["words"])), "")
