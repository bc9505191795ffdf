"""The words of `languages.toml`, as expressions and as sets."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("languages.toml").read_text(encoding="utf-8"))


def _at(path: tuple[str, ...]) -> Any:  # noqa: ANN401 - what a TOML file holds
    found: Any = _words()
    for key in path:
        found = found[key]
    return found


def any_of(*path: str) -> str:
    """Return an expression for any of the words under a key, the longest first."""
    return _alternatives(_at(path))


def words(*path: str) -> tuple[str, ...]:
    """Return the words under a key as they compare without regard to case: a look-up takes no time, however many."""
    return tuple(word.casefold() for word in _at(path))


def _alternatives(words: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"
