"""The words of `languages.toml` as expressions."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("languages.toml").read_text(encoding="utf-8"))


def any_of(*path: str) -> str:
    """Return an expression for any of the words under a key, the longest first."""
    found: Any = _words()
    for key in path:
        found = found[key]
    return _alternatives(found)


def _alternatives(words: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"
