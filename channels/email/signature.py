"""Where what a person said ends, and what stands under every mail of theirs begins.

Only what is plainly no sentence is taken for a signature: what lies under "-- ", what the mail program marked, the
line a phone adds, the foot of a mailing list. "Best regards, Jane" stays.
"""

import re
from collections.abc import Callable, Sequence

from channels.email.languages import words
from channels.email.readable import Readable, Role, compared

_MAX_CUTS = 50
_MAX_LINES = 30  # disclaimers included
_MAX_BARE_LINES = 12  # under "--" without the space that RFC 3676 asks for: people draw lines too
_MAX_BARE_LINE = 120
_MAX_DEVICE_LINE = 130
_MAX_WORDS, _MAX_OFFER, _MAX_VERB_LAST, _FEW = 16, 9, 7, 4
_MAX_FOOTER = 6

_BEGINS, _FROMS, _ENDS, _GETS, _NAMES = (words("device", key) for key in ("begins", "froms", "ends", "gets", "names"))
# "mac" is not in "machine", but "iPhone" is in what Finnish and Chinese make of it.
_SHORT = 5
_SHORT_NAMES = frozenset(name for name in _NAMES if len(name) <= _SHORT and name.isascii() and name.isalnum())
_LONG_NAMES = tuple(name for name in _NAMES if name not in _SHORT_NAMES)
_PLATFORMS = frozenset(("ios", "android", "iphone", "ipad", "mac", "windows", "mobile"))
_EXCUSES = words("device", "excuses")
_LISTS = words("list_footer", "words")

_LINK = re.compile(r"[<(\[]*(?:https?://|mailto:)[^\s>)\]]*[>)\]]*")
_DIGITS = re.compile(r"\d{4}")
_CLAUSE_END = re.compile(r"[,.;:] ")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_POSTSCRIPT = re.compile(r"\s*P(?:\.?[\s-]?S(?:\.|\b)|\.?\s?D\.?:)", re.IGNORECASE)
_DRAWN = re.compile(r"[-_=*]{20,}")
_AROUND = " <>()[]*_-\N{EN DASH}\N{EM DASH}.!|\"'"


def cut(page: Readable, lines: range) -> tuple[range, list[str]]:
    """Return the lines without the signature at their end, and the rules that cut, the lowest first."""
    names: list[str] = []
    kept = _without_empty(page, lines)
    while len(names) < _MAX_CUTS and (found := _found(page, kept)):
        names.append(found[0])
        kept = _without_empty(page, range(lines.start, found[1]))
    return kept, names


def _found(page: Readable, lines: range) -> tuple[str, int] | None:
    """Return the first rule that finds a signature at the end, and where it begins."""
    ends = ((name, rule(page, lines)) for name, rule in _RULES)
    return next(((name, end) for name, end in ends if end is not None), None)


def _without_empty(page: Readable, lines: range) -> range:
    end = lines.stop
    while end > lines.start and not page.lines[end - 1].strip():
        end -= 1
    return range(lines.start, end)


def _delimiter(page: Readable, lines: range) -> int | None:
    """Take the first "-- " and, where there is none, a lone "--" with few short lines under it."""
    sure: list[tuple[int, int]] = []
    bare: list[tuple[int, int]] = []
    below = 0
    for at in reversed(lines):
        line = page.lines[at]
        if below > _MAX_LINES or line.startswith(">"):
            break
        if line.rstrip("\xa0 ") == "--":
            (bare if line == "--" else sure).append((at, below))
        below += bool(line.strip())
    if sure:
        at = sure[-1][0]
        return None if _says_more(page, range(at, lines.stop)) else at
    return bare[0][0] if len(bare) == 1 and _ends_a_mail(page, *bare[0], lines.stop) else None


def _ends_a_mail(page: Readable, at: int, below: int, stop: int) -> bool:
    """Doubt a line that a person drew: under words that announce something, or above much."""
    announced = next((line for line in reversed(page.lines[:at]) if line.strip()), "").rstrip().endswith(":")
    return not announced and below <= _MAX_BARE_LINES and _all_short(page.lines[at:stop])


def _all_short(lines: Sequence[str]) -> bool:
    return all(len(line) <= _MAX_BARE_LINE for line in lines)


def _marked(page: Readable, lines: range) -> int | None:
    """Take what the mail program marked, when nothing comes after."""
    for span in page.spans:
        reaches = span.role is Role.SIGNS and lines.start <= span.start < lines.stop <= span.end
        if reaches and lines.stop - span.start <= _MAX_LINES and not _says_more(page, range(span.start, lines.stop)):
            return span.start
    return None


def _says_more(page: Readable, lines: range) -> bool:
    return any(_POSTSCRIPT.match(page.lines[at]) for at in lines)


def _list_footer(page: Readable, lines: range) -> int | None:
    for at in reversed(lines[-_MAX_FOOTER:]):
        if _DRAWN.fullmatch(page.lines[at].strip()[:_MAX_BARE_LINE]):
            said = " ".join(page.lines[at : lines.stop])[:1000].casefold()
            # A client who asks to be taken off a list draws lines, too; a list says where it is.
            return at if "://" in said and any(word in said for word in _LISTS) else None
    return None


def _device(page: Readable, lines: range) -> int | None:
    return lines[-1] if lines and is_device_line(page.lines[lines[-1]]) else None


def is_device_line(line: str) -> bool:
    """Say whether a line is one that phones and mail programs add, in any language: "Sent from my iPhone"."""
    if len(line) > 2 * _MAX_DEVICE_LINE or line.startswith(">"):
        return False
    said = _LINK.sub(" ", compared(line)).strip(_AROUND).casefold()
    count = len(said.split())
    if not 0 < len(said) <= _MAX_DEVICE_LINE or count > _MAX_WORDS or said.endswith("?"):
        return False
    if _begins(said, _BEGINS):
        device, _, more = _CLAUSE_END.sub("\n", said, count=1).partition("\n")
        return (_names(device) or (" my " in device and count <= _FEW)) and _adds_nothing(more)
    return _names(said) and (_verb_last(said, count) or _offers(said, count))


def _adds_nothing(more: str) -> bool:
    """Say whether what stands behind the device is another name of it, an excuse or an offer, and no serial number."""
    excuse = any(word in more for word in _EXCUSES) or _begins(more, _GETS)
    return not more or (len(more.split()) < _FEW and _names(more)) or (excuse and not _DIGITS.search(more))


def _verb_last(said: str, count: int) -> bool:
    """Ask for few words: people end sentences with these, too."""
    begins = _begins(said, _FROMS)
    bare = begins and count <= _FEW and _names(said.rstrip(" 0123456789").split()[-1])
    return bare or (said.endswith(_ENDS) and count <= (_MAX_VERB_LAST if begins else _FEW))


def _offers(said: str, count: int) -> bool:
    """Say whether a line offers a program: "Get Outlook for iOS"."""
    asks = _begins(said, _GETS) or said.endswith(_GETS)
    return asks and count <= _MAX_OFFER and "mail" in said.replace("outlook", "mail") and _platform(said)


def _platform(said: str) -> bool:
    return not _PLATFORMS.isdisjoint(_ASCII_WORD.findall(said))


def _names(said: str) -> bool:
    return any(name in said for name in _LONG_NAMES) or not _SHORT_NAMES.isdisjoint(_ASCII_WORD.findall(said))


def _begins(said: str, phrases: tuple[str, ...]) -> bool:
    """Say whether a text begins with one of the phrases and not in the middle of a word of the Latin alphabet."""
    if not said.startswith(phrases):
        return False
    return any(said.startswith(each) and not _goes_on(said[len(each) - 1 : len(each) + 1]) for each in phrases)


def _goes_on(two: str) -> bool:
    return len(two) > 1 and two.isascii() and two.isalpha()


_RULES: tuple[tuple[str, Callable[[Readable, range], int | None]], ...] = (
    ("device", _device),
    ("list_footer", _list_footer),
    ("marked", _marked),
    ("delimiter", _delimiter),
)
