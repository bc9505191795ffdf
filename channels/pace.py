"""How fast a provider takes what we send, and what it counts together."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

FASTEST = 1000.0


class Act(StrEnum):
    """What a send does, where providers count its kinds apart."""

    POST = "post"
    FILES = "files"
    UPDATE = "update"
    MARK = "mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a provider counts together, under one `key`, and how much of it may leave.

    `per_second` on average, after a `burst` at once; 0 is without a limit of ours. What the provider calls too much, or
    refuses until an operator acts, holds for everything of this key and for nothing else.
    """

    key: str
    per_second: float = 0.0
    burst: int = 1


def rate(environment: Mapping[str, str], name: str, default: float) -> float:
    """Return a setting that says how many a second. Raises `ValueError`."""
    try:
        value = float(environment.get(name) or default)
    except ValueError:
        value = -1
    if not 0 <= value <= FASTEST:  # also leaves out NaN
        raise ValueError(f"{name} must be a number from 0, which is no limit, to {FASTEST:g}")
    return value
