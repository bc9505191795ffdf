"""Contact cards that clients share in chats: a bounded reader of whom they name and how to reach them.

Forms: RFC 6350, RFC 2426, and vCard 2.1 with its quoted-printable, which phones write to this day. Nothing here raises.
"""

import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from channels.base import clean_line

TYPES = frozenset({"text/vcard", "text/x-vcard", "text/directory"})

# Portraits stand within cards, mostly last, so the beginning is enough; this much takes a quarter of a second at worst.
_MOST_BYTES = 1 << 18
_MOST_CARDS = 10
_MOST_VALUES = 10
_LONGEST_LINE = 10_000
_LONGEST_VALUE = 100
_PROPERTY = re.compile(r'(?:[\w-]{1,50}\.)?(BEGIN|FN|N|ORG|TEL|EMAIL)((?:;(?:"[^"]*"|[^":])*)?):(.*)', re.IGNORECASE)
_QUOTED_PRINTABLE = re.compile(r"[;:=]QUOTED-PRINTABLE\b", re.IGNORECASE)
_CHARSET = re.compile(r";CHARSET=([\w-]{1,40})", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)")
_SEPARATOR = re.compile(r"(?<!\\);")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Property:
    name: str
    value: str


def contacts(content: bytes) -> tuple[str, ...]:
    """Return a line for each card: name, organisation, numbers and mail addresses; empty for what holds no card."""
    lines = (_line(card) for card in _cards(content[:_MOST_BYTES].decode("utf-8-sig", "replace")))
    return tuple(islice((line for line in lines if line), _MOST_CARDS))


def _line(card: Sequence[_Property]) -> str:
    names = _values(card, "FN")[:1] or _values(card, "N")[:1]
    parts = (*names, *_values(card, "ORG")[:1], *_values(card, "TEL"), *_values(card, "EMAIL"))
    return "Contact: " + ", ".join(dict.fromkeys(parts)) if parts else ""


def _values(card: Sequence[_Property], name: str) -> list[str]:
    found = (each.value for each in card if each.name == name and each.value)
    return list(islice(found, _MOST_VALUES))


def _cards(text: str) -> Iterator[list[_Property]]:
    card: list[_Property] = []
    for line in _unfolded(text):
        if (found := _property(line)) is None:
            continue
        if found.name == "BEGIN":
            yield card
            card = []
        else:
            card.append(found)
    yield card


def _unfolded(text: str) -> Iterator[str]:
    """Join what was folded: by a leading blank, and in quoted-printable by `=` at the end."""
    line = ""
    for following in re.split(r"\r?\n", text):
        soft = line.endswith("=") and _QUOTED_PRINTABLE.search(line)
        if soft or following[:1] in {" ", "\t"}:
            line = ((line[:-1] + following) if soft else line + following[1:])[:_LONGEST_LINE]
        else:
            yield line
            line = following[:_LONGEST_LINE]
    yield line


def _property(line: str) -> _Property | None:
    found = _PROPERTY.fullmatch(line.strip())
    if found is None:
        return None
    name, parameters, value = found[1].upper(), found[2], found[3]
    if _QUOTED_PRINTABLE.search(parameters):
        value = _unquoted(value, parameters)
    return _Property(name=name, value=clean_line(_plain(name, value), _LONGEST_VALUE))


def _unquoted(value: str, parameters: str) -> str:
    charset = _CHARSET.search(parameters)
    raw = quopri.decodestring(value.encode("ascii", "ignore"))
    try:
        return raw.decode(charset[1] if charset else "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _plain(name: str, value: str) -> str:
    """Return a value without the marks of its form: `Lima;Ana;;;` is Ana Lima, `tel:+55-11` a number."""
    parts = [_ESCAPED.sub(r"\1", part).strip() for part in _SEPARATOR.split(value)]
    if name == "N":
        family, given = (*parts, "", "")[:2]
        return f"{given} {family}"
    if name == "ORG":
        return " ".join(parts)
    plain = ";".join(parts)
    return plain.removeprefix("tel:").removeprefix("mailto:")
