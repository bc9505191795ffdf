"""What the writer added, without the mail it answers.

Every rule works on whole lines. Cutting too little shows a quote twice; cutting too much loses what a client said: in
doubt, and always when nothing would be left, the text stays whole.
"""

import re
from dataclasses import dataclass

from channels.email import body
from channels.email.languages import any_of
from channels.email.mime import Part

MAX_LINES = 20_000
_MAX_LINE = 1_000
_MAX_INTRODUCTION = 4  # lines that programs wrap an introduction into
_HEAD_LINES = 8
# No search starts further from a line's end than its longest match: each place it starts from costs time.
_SAYS_REACH = 200
_ADDRESS_REACH = 400

_COLON = "[:\N{FULLWIDTH COLON}]"
_BEGINS = re.compile(
    rf"(?:{any_of('introduction_begins')}\b|\d{{1,4}}[^\s\w]|\d{{4}}年|.{{0,100}}<[^<>\s]+@)", re.IGNORECASE
)
_SAYS = re.compile(
    rf"(?:(?<!\w){any_of('introduction_verbs')}(?!\w)|{any_of('introduction_verbs_unspaced')})[^:]{{0,150}}{_COLON}\Z",
    re.IGNORECASE,
)
_ENDS = re.compile(rf"{_COLON}\Z")
_ADDRESS = re.compile(rf"<[^<>\s@]{{1,100}}@[^<>\s@]{{1,255}}>\s?{_COLON}\Z")
_DIGIT = re.compile(r"\d")
_TIME_OR_ADDRESS = re.compile(r"\d{1,2}[:.h時시]\d{2}|\S@\S")
_ORIGINAL = re.compile(rf"[\s>]*+[-_=]{{2,}}+\s*+{any_of('original')}\s*+[-_=]{{2,}}+\s*+", re.IGNORECASE)
_FORWARDED = re.compile(
    rf"\s*+(?:[-_=]{{2,}}+\s*+{any_of('forwarded')}|{any_of('forwarded')}\s?{_COLON})", re.IGNORECASE
)
_FORWARD_SUBJECT = re.compile(rf"\s*(?:\[[^\]]{{0,40}}\]\s*)?{any_of('forward_subjects')}\s?{_COLON}", re.IGNORECASE)
_ABOVE_THIS_LINE = re.compile(r"\b(?:reply|respond|response|answer)\b.{0,40}\babove this line\b", re.IGNORECASE)
_LABELS = {
    kind: re.compile(rf"[\s>*_]*+{any_of('labels', kind)}\s?[*_]*+\s?{_COLON}", re.IGNORECASE)
    for kind in ("from", "sent", "to", "subject")
}
_RULE = re.compile(r"\s*[-_=*]{5,}\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewText:
    """The new text, the rule that cut the old mail from it, and the one that cut the signature; empty where none."""

    text: str
    rule: str = ""
    signature: str = ""


def new_text(root: Part, subject: str) -> NewText:
    """Return the new text of a mail."""
    whole = body.text(root)
    kept = cut(whole, subject)
    return NewText(text=kept, rule="" if kept == whole.strip("\n") else "quote")


def cut(text: str, subject: str = "") -> str:
    """Return the new text of a reply; a forwarded mail, and answers written between quoted lines, stay whole."""
    lines = text.split("\n")
    if _FORWARD_SUBJECT.match(subject[:200]) or len(lines) > MAX_LINES:
        return text.strip("\n")
    end = _quote_start([line[:_MAX_LINE] for line in lines])
    kept = "\n".join(lines[:end]).strip()
    return kept or text.strip("\n")


def _quote_start(lines: list[str]) -> int:
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if _FORWARDED.match(line):
            return len(lines)
        length = _quote_head(lines, index)
        if length:
            return len(lines) if _answered_inline(lines[index + length :]) else _without_rule(lines, index)
    return _trailing_quote(lines)


def _quote_head(lines: list[str], index: int) -> int:
    """Return how many lines from `index` on announce a quoted mail; 0 when they do not."""
    line = lines[index]
    if _ORIGINAL.fullmatch(line) or _ABOVE_THIS_LINE.search(line) or _outlook_head(lines, index):
        return 1
    return _introduction(lines, index)


def _outlook_head(lines: list[str], index: int) -> bool:
    if not _LABELS["from"].match(lines[index]):
        return False
    head = lines[index + 1 : index + _HEAD_LINES]
    return sum(any(_LABELS[kind].match(line) for line in head) for kind in ("sent", "to", "subject")) > 1


def _introduction(lines: list[str], index: int) -> int:
    begins = bool(_BEGINS.match(lines[index].lstrip(" >*")))
    for count in range(1, _MAX_INTRODUCTION + 1 if begins else 2):
        last = index + count - 1
        if last >= len(lines) or not lines[last].strip():
            return 0
        said = " ".join(line.strip(" \t>*") for line in lines[index : last + 1])
        if _ENDS.search(said[-1:]):
            return count if _says_who_wrote(said, quoted_below=_next_is_quoted(lines, last + 1)) else 0
    return 0


def _says_who_wrote(said: str, *, quoted_below: bool) -> bool:
    """Ask for more than "in 2020 he wrote:": without a quote below it takes a time of day or an address."""
    if len(said) > _MAX_LINE or not (quoted_below or _TIME_OR_ADDRESS.search(said)):
        return False
    return bool(_SAYS.search(said[-_SAYS_REACH:])) or _dated_address(said)


def _dated_address(said: str) -> bool:
    found = _ADDRESS.search(said, max(0, len(said) - _ADDRESS_REACH))
    return found is not None and _DIGIT.search(said, 0, found.start()) is not None


def _next_is_quoted(lines: list[str], index: int) -> bool:
    following = next((line for line in lines[index : index + 3] if line.strip()), "")
    return following.startswith(">")


def _answered_inline(lines: list[str]) -> bool:
    """Say whether unquoted text follows quoted lines, as in an answer written point by point."""
    quoted = False
    for line in lines:
        if line.startswith(">"):
            quoted = True
        elif quoted and line.strip() == "--":
            return False
        elif quoted and line.strip() and not _RULE.fullmatch(line):
            return True
    return False


def _without_rule(lines: list[str], index: int) -> int:
    """Step back over the line that programs draw above what they quote."""
    before = index
    while before and not lines[before - 1].strip():
        before -= 1
    return before - 1 if before and _RULE.fullmatch(lines[before - 1]) else index


def _trailing_quote(lines: list[str]) -> int:
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].startswith(">")):
        end -= 1
    quoted = any(line.startswith(">") for line in lines[end:])
    return end if quoted else len(lines)
