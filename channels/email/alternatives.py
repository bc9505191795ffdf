"""Whether a plain text says what its HTML shows: some programs write a sentence about HTML in its place."""

import re

_MAX_STUB = 1_000  # letters and digits
_LOOKED_AT = 8_000
_PIECE = 4
_BEGINNING = 8
_LINK = re.compile(r"\b(?:https?|mailto|cid):\S+")


def is_short(text: str) -> bool:
    """Say whether a text may be such a sentence; a longer one was written, whatever else the HTML shows."""
    return len(_letters(text)) <= _MAX_STUB


def stands_for(text: str, shown: str) -> bool:
    """Say whether a text begins as what is shown or holds a quarter of it, by the letters and digits of both.

    They are compared in small pieces, so that neither line breaks nor languages without spaces matter.
    """
    said, letters = _letters(text), _letters(shown)
    if len(said) >= _BEGINNING and letters.startswith(said[:_BEGINNING]):
        return True
    held, pieces = set(_pieces(said)), _pieces(letters)
    return sum(piece in held for piece in pieces) * 4 >= len(pieces)


def _pieces(letters: str) -> list[str]:
    return [letters[at : at + _PIECE] for at in range(len(letters) - _PIECE + 1)] or [letters]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, _LINK.sub("", text[:_LOOKED_AT]).casefold()))
