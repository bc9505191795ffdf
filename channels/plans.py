"""How a message is told in sends: which text and which files go together, in which order.

A plan is worked out twice, when an answer is written and when each of its parts is sent: the same message must give the
same plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """What is to be known of a file before it is sent."""

    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One send: its text, the files that go with it, and those that its text gives a link to, by their places."""

    body: str = ""
    files: tuple[int, ...] = ()
    links: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The sends of one message in order, at least one, and what its author should know before they are made."""

    pieces: tuple[Piece, ...]
    remarks: tuple[str, ...] = ()


def files_with_last(texts: Sequence[str], files: Sequence[Enclosure]) -> Plan:
    """Plan for a channel that carries any file: all of them go with the last part of the text."""
    last = Piece(body=texts[-1], files=tuple(range(len(files))))
    return Plan(pieces=(*(Piece(body=each) for each in texts[:-1]), last))
