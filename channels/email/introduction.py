"""The lines above a quote that say who wrote it and when, in any language.

Programs write them from a pattern: a date, a time, a name, an address, a verb, a colon. Which of these are there
decides; with a quote below, less of it is enough.
"""

import re
from collections.abc import Sequence

from channels.email.languages import words
from channels.email.readable import DASHES

MAX_LINES = 5  # that programs wrap an introduction into
_MAX_LENGTH = 600
_AROUND = " >*|_" + DASHES

_BEGINS = frozenset(word.split()[0].rstrip(".") for word in words("introduction_begins"))
_VERBS = frozenset(words("introduction_verbs"))
_VERBS_UNSPACED = words("introduction_verbs_unspaced")
_QUOTING = words("introduction_quoting")

_COLONS = (":", "\N{FULLWIDTH COLON}")
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h時时点시]\s?\d{2}(?!\d)|\d\s?[ap]\.?m\b|[上下]午|오[전후]", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)\d{4}(?!\d)|\d{1,2}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{2}|\d\s?[年년]")
_ADDRESS = re.compile(r"\S@[\w-]{1,63}\.\w")
_IN_BRACKETS = re.compile(r"[<(\[][^<>()@]{0,100}@[^\s<>()@]{1,255}[>)\]]")
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_DAY_FIRST = re.compile(r"(?:[^\W\d_]{1,14}[.,]{0,2} ){0,2}\d{1,4}[.,]{0,2}(?:[ /-]|\d{1,2}\.|[年월년月])")
# What Gmail wrote for years in languages it knew no verb of; nobody writes a date so by hand.
_DATED_NAME = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2} "
    r"(?:\d{1,2}:\d{2} (?:GMT|UTC)[+-]\d{1,2}:\d{2} \S.{0,100}|\S[^@]{0,100}@[^\s<>@]{1,255}>)"
)
_WITHIN = re.compile(
    r"(?<=[^\W_])[ \t]*[-_]*[ \t]+(?=[A-Z][a-z]{1,3}[ ](?:[^\W\d_]{2,12}[.,]{0,2}[ ])?(?:[^\W\d_]{3,12}[ ])?\d)"
)


def length(lines: Sequence[str], index: int) -> int:
    """Return how many lines from `index` on introduce a quote; 0 when they do not."""
    last = _last(lines, index)
    if last is None:
        return 1 if _DATED_NAME.fullmatch(lines[index].strip(" *")) else 0
    if last > index and (not _may_begin(lines, index) or _begins_later(lines, index, last)):
        return 0
    said = _said(lines, index, last)
    if len(said) > _MAX_LENGTH:
        return 0
    return last + 1 - index if _says(said, lines, index, last) else 0


def quoted_below(lines: Sequence[str], index: int) -> bool:
    """Say whether the next line with text, two empty ones further on at most, is quoted."""
    following = next((line for line in lines[index : index + 4] if line.strip()), "")
    return following.lstrip(" ").startswith((">", "|"))


def split_from_answer(line: str) -> tuple[str, str]:
    """Return what was written in front of an introduction on the same line, and the introduction; else nothing, all."""
    if ends(line) and _verb(line):
        for match in _WITHIN.finditer(line):
            word = _WORD.match(line, match.end())
            if word and word[0].casefold() in _BEGINS:
                return line[: match.start()], line[match.end() :]
    return "", line


def ends(line: str) -> bool:
    """Say whether a line ends as introductions do: with a colon, or with the frame some draw around them."""
    line = line.rstrip(" *_")
    return line.endswith(_COLONS) or line[-2:].strip(DASHES) == "" != line.strip(DASHES)


def _last(lines: Sequence[str], index: int) -> int | None:
    """Return the line that ends what may be an introduction; only one with its date may have empty lines inside."""
    spaced = bool(_DATE.search(lines[index]) and _TIME.search(lines[index]) and _dated(lines[index]))
    left = MAX_LINES
    for at in range(index, min(len(lines), index + 2 * MAX_LINES)):
        if not lines[at].strip():
            if not spaced:
                return None
            continue
        if ends(lines[at]):
            return at
        left -= 1
        if not left:
            return None
    return None


def _may_begin(lines: Sequence[str], index: int) -> bool:
    line = lines[index]
    if line.lstrip(" ").startswith("<"):
        return False
    return bool(_DIGIT.search(line, 0, 40)) or "<" in line or "@" in line or lines[index + 1].startswith("<")


def _begins_later(lines: Sequence[str], index: int, last: int) -> bool:
    """Say whether a later line begins an introduction that lacks nothing: then this one is the answer's last."""
    starts = (at for at in range(index + 1, last + 1) if not _in_address(lines, at))
    return any(_is_full(lines[at], _said(lines, at, last)) for at in starts)


def _in_address(lines: Sequence[str], index: int) -> bool:
    """Say whether a line begins with an address, or with the rest of one that its program broke behind the bracket."""
    above = lines[index - 1]
    return lines[index].lstrip(" ").startswith("<") or above.rfind("<") > above.rfind(">")


def _is_full(first: str, said: str) -> bool:
    if not (_verb(said) or _IN_BRACKETS.search(said)):
        return False
    dated = _DATE.search(said) and (_TIME.search(said) or _dated(first))
    return bool(dated) or said.casefold().startswith(_QUOTING)


def _said(lines: Sequence[str], index: int, last: int) -> str:
    return " ".join(line.strip(_AROUND) for line in lines[index : last + 1])


def _dated(line: str) -> bool:
    """Say whether a line begins with a word such as "On" and a day, or with a day: the surest first line."""
    start = _CLOCK.sub("", line.lstrip(_AROUND)[:60])
    word = _WORD.match(start)
    if word and word[0].casefold() in _BEGINS:
        return bool(_DIGIT.search(start, 0, 40))
    return bool(_DAY_FIRST.match(start))


def _says(said: str, lines: Sequence[str], index: int, last: int) -> bool:
    """Ask for more than "in 2020 he wrote:" where nothing below is quoted."""
    if _framed(lines[index], lines[last]):
        return _verb(said)
    if not said.endswith(_COLONS):
        return False
    named, date, time = (bool(each.search(said)) for each in (_IN_BRACKETS, _DATE, _TIME))
    if named and ((date and time) or said.casefold().startswith(_QUOTING)):
        return True
    if quoted_below(lines, last + 1):
        return _verb(said) or (_dated(lines[index]) and date and time) or (named and bool(_DIGIT.search(said)))
    return _verb(said) and (named or (_dated(lines[index]) and (time or bool(_ADDRESS.search(said)))))


def _framed(first: str, last: str) -> bool:
    first, last = first.strip(" *"), last.strip(" *")
    return first[:2].strip(DASHES) == "" and last[-2:].strip(DASHES) == "" and len(first) > 1


def _verb(said: str) -> bool:
    folded = said.casefold()
    return any(word in _VERBS for word in _WORD.findall(folded)) or any(verb in folded for verb in _VERBS_UNSPACED)


def tells_time(said: str) -> bool:
    """Say whether a time of day stands in a text."""
    return bool(_TIME.search(said))
