"""The lines above a quote that say who wrote it and when, in any language.

Programs write them from a pattern: a date, a time, a name, an address, a verb, a colon. Which of these are there
decides; with a quote below, less of it is enough.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from channels.email.languages import any_of, words
from channels.email.readable import DASHES

MAX_LINES = 5  # that programs wrap an introduction into
_MAX_LENGTH = 600
_SHORT = 120  # name, address, date and time: a sentence of a person's is longer
_AROUND = " >*|_" + DASHES

_BEGINS = frozenset(word.split()[0].rstrip(".") for word in words("introduction_begins"))
_VERBS = frozenset(words("introduction_verbs"))
_PERSONS = frozenset(words("introduction_persons"))
_TO_ME = frozenset(words("introduction_to_me"))
_YOURS = re.compile(rf"\b{any_of('introduction_yours')}\b")
_MAX_APART = 2  # words between the verb and to whom: "m'a écrit"
_VERBS_UNSPACED = words("introduction_verbs_unspaced")
_TO_ME_UNSPACED = words("introduction_to_me_unspaced")
_QUOTING = words("introduction_quoting")

_COLONS = (":", "\N{FULLWIDTH COLON}")
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h時时点시]\s?\d{2}(?!\d)|\d\s?[ap]\.?m\b|[上下]午|오[전후]", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)\d{4}(?!\d)|\d{1,2}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{2}|\d\s?[年년]")
_ADDRESS = re.compile(r"\S@[\w-]{1,63}\.\w")
_WRITTEN_ADDRESS = re.compile(r"[^\s<>()@]{1,100}@[^\s<>()@]{1,255}")
_IN_BRACKETS = re.compile(r"[<(\[][^<>()@]{0,100}@[^\s<>()@]{1,255}[>)\]]")
_WEEKDAY = re.compile(r"\b[^\W\d_]{2,4}\.,? \d{1,2}\. ")  # shortened, as few people write it
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_DAY_FIRST = re.compile(r"(?:[^\W\d_]{1,14}[.,]{0,2} ){0,2}\d{1,4}[.,]{0,2}(?:[ /-]|\d{1,2}\.|[年월년月])")
# What Gmail wrote for years in languages it knew no verb of; nobody writes a date so by hand.
_DATED_NAME = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2} "
    r"(?:\d{1,2}:\d{2} (?:GMT|UTC)[+-]\d{1,2}:\d{2} \S.{0,100}|\S[^@]{0,100}@[^\s<>@]{1,255}>)"
)
_WITHIN = re.compile(
    r"(?<=[^\s_-])[ \t]*[-_]*[ \t]+(?=[A-Z][a-z]{1,3}[ ](?:[^\W\d_]{2,12}[.,]{0,2}[ ])?(?:[^\W\d_]{3,12}[ ])?\d)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What lines say that may be an introduction: a name is an address in brackets, `dated` begins with a day."""

    verb: bool
    verb_last: bool
    time_last: bool
    date: bool
    time: bool
    dated: bool
    weekday: bool
    begun: bool
    named: bool
    address: bool
    short: bool
    closed: bool
    framed: bool
    told: bool
    quoting: bool
    quoted_below: bool

    @property
    def is_full(self) -> bool:
        """Say whether nothing is missing: then what stands in front of it does not belong to it."""
        return (self.verb or self.named) and ((self.date and (self.time or self.dated)) or self.quoting)

    @property
    def suffices(self) -> bool:
        """Ask for more than "in 2020 he wrote:" where nothing below is quoted."""
        if self.told:
            return False
        if self.framed:
            return self.verb
        if not self.closed:
            return self.verb_last and self.dated and self.time and self.address
        if self.named and (self.quoting or (self.date and self.time)):
            return True
        if self.quoted_below and (self.verb or (self.dated and self.date and self.time) or (self.named and self.date)):
            return True
        return self.verb and self._says_who_or_when

    @property
    def _says_who_or_when(self) -> bool:
        if self.named or (self.dated and (self.time or self.address)):
            return True
        if self.address and ((self.verb_last and self.short) or (self.begun and self.date and self.time)):
            return True
        return self.weekday and self.time_last and self.short


def length(lines: Sequence[str], index: int) -> int:
    """Return how many lines from `index` on introduce a quote; 0 when they do not."""
    for last in _ends(lines, index):
        if last > index and (not _may_begin(lines, index) or _begins_later(lines, index, last)):
            return 0
        if _evidence(lines, index, last).suffices:
            return last + 1 - index
    return 1 if _DATED_NAME.fullmatch(lines[index].strip(" *")) else 0


def names_day_and_writer(line: str) -> bool:
    """Say whether a line is an introduction but for its colon, as some programs write above the labels of a head."""
    return _dated(line) and bool(_DATE.search(line)) and bool(_TIME.search(line)) and _verb(line)


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
    """Say whether a line ends as introductions do: with a colon, with a frame drawn around them, or with the verb."""
    line = line.rstrip(" *_")
    return _is_closed(line) or _ends_in_verb(line)


def _is_closed(line: str) -> bool:
    return line.endswith(_COLONS) or line[-2:].strip(DASHES) == "" != line.strip(DASHES)


def _ends_in_verb(line: str) -> bool:
    words = line.rstrip(" *_:\N{FULLWIDTH COLON}").rsplit(None, 1)
    return bool(words) and (words[-1].casefold() in _VERBS or words[-1].endswith(_VERBS_UNSPACED))


def _ends(lines: Sequence[str], index: int) -> Iterator[int]:
    """Yield the lines that may end an introduction; only one with its date may have empty lines inside."""
    spaced = _dated(lines[index]) and bool(_DATE.search(lines[index]) and _TIME.search(lines[index]))
    left = MAX_LINES
    for at in range(index, min(len(lines), index + 2 * MAX_LINES)):
        if lines[at].strip():
            left -= 1
            if ends(lines[at]):
                yield at
            if not left or _is_closed(lines[at]):
                return
        elif not spaced:
            return


def _may_begin(lines: Sequence[str], index: int) -> bool:
    line = lines[index]
    if line.lstrip(" ").startswith("<"):
        return False
    return bool(_DIGIT.search(line, 0, 40)) or "<" in line or "@" in line or lines[index + 1].startswith("<")


def _begins_later(lines: Sequence[str], index: int, last: int) -> bool:
    """Say whether a later line begins an introduction that lacks nothing: then this one is the answer's last."""
    starts = (at for at in range(index + 1, last + 1) if not _in_address(lines, at))
    return any(_evidence(lines, at, last).is_full for at in starts)


def _in_address(lines: Sequence[str], index: int) -> bool:
    """Say whether a line begins with an address, or with the rest of one that its program broke behind the bracket."""
    above = lines[index - 1]
    return lines[index].lstrip(" ").startswith("<") or above.rfind("<") > above.rfind(">")


def _dated(line: str) -> bool:
    """Say whether a line begins with a word such as "On" and a day, or with a day: the surest first line."""
    start = _CLOCK.sub("", line.lstrip(_AROUND)[:60])
    word = _WORD.match(start)
    if word and word[0].casefold() in _BEGINS:
        return bool(_DIGIT.search(start, 0, 40))
    return bool(_DAY_FIRST.match(start))


def _evidence(lines: Sequence[str], index: int, last: int) -> _Evidence:
    said = " ".join(line.strip(_AROUND) for line in lines[index : last + 1])[-_MAX_LENGTH:]
    bare = said.rstrip(" *_:\N{FULLWIDTH COLON})")
    times = [match.end() for match in _TIME.finditer(said)]
    word = _WORD.match(said)
    return _Evidence(
        verb=_verb(said),
        verb_last=_ends_in_verb(said),
        time_last=bool(times) and times[-1] >= len(bare),
        date=bool(_DATE.search(said)),
        time=bool(times),
        dated=_dated(lines[index]),
        weekday=bool(_WEEKDAY.search(said)),
        begun=word is not None and word[0].casefold() in _BEGINS,
        named=bool(_IN_BRACKETS.search(said)),
        address=bool(_ADDRESS.search(said)),
        short=len(said) <= _SHORT,
        closed=said.endswith(_COLONS),
        framed=_framed(lines[index], lines[last]),
        told=_told(said),
        quoting=said.casefold().startswith(_QUOTING),
        quoted_below=quoted_below(lines, last + 1),
    )


def _framed(first: str, last: str) -> bool:
    first, last = first.strip(" *"), last.strip(" *")
    return first[:2].strip(DASHES) == "" and last[-2:].strip(DASHES) == "" and len(first) > 1


def _verb(said: str) -> bool:
    """Say whether somebody wrote, by a program's account: people write that they themselves did."""
    folded = said.casefold()
    found = _WORD.findall(folded)
    if not _VERBS.isdisjoint(found):
        return _PERSONS.isdisjoint(found) or "@" in said
    return any(verb in folded for verb in _VERBS_UNSPACED)


def _told(said: str) -> bool:
    """Say whether a person tells who wrote: to them, or "your agent". Names have capitals: Mi, Me, Din."""
    found = _WORD.findall(_WRITTEN_ADDRESS.sub(" ", said))
    at = next((at for at, word in enumerate(found) if word.casefold() in _VERBS), None)
    if at is not None and not _TO_ME.isdisjoint(found[max(0, at - _MAX_APART) : at + _MAX_APART + 1]):
        return True
    return bool(_YOURS.search(said)) or any(each in said for each in _TO_ME_UNSPACED)


def tells_time(said: str) -> bool:
    """Say whether a time of day stands in a text."""
    return bool(_TIME.search(said))


def tells_day(said: str) -> bool:
    """Say whether a date with its year stands in a text: programs leave the year out of none."""
    return bool(_DATE.search(said))
