"""What the writer added, without the mail it answers and without a signature.

Cutting too little shows a quote twice; cutting too much loses what a client said: in doubt, and always when nothing
would be left, the text stays whole.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from channels.base import clean_text
from channels.email import body, introduction, quotes, signature
from channels.email.decode import MAX_TEXT
from channels.email.languages import any_of
from channels.email.mime import Part
from channels.email.quotes import Quote
from channels.email.readable import MAX_COMPARED, Readable

MAX_LINES = 20_000
_FORWARD_SUBJECT = re.compile(
    rf"\s*(?:\[[^\]]{{0,40}}\]\s*)?{any_of('forward_subjects')}\s?[:\N{{FULLWIDTH COLON}}]", re.IGNORECASE
)
_MARKS = " \t>|-_=*~."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewText:
    """The new text, the rule that cut the old mail from it, and the one that cut the signature; empty where none."""

    text: str
    rule: str = ""
    signature: str = ""


def new_text(root: Part, subject: str = "") -> NewText:
    """Return what is new in a mail; a forwarded one, and answers written between quoted lines, stay whole."""
    return of(body.read(root), subject)


def of(page: Readable, subject: str = "") -> NewText:
    """Return what is new in what a mail shows."""
    if _FORWARD_SUBJECT.match(subject[:200]) or len(page.lines) > MAX_LINES:
        return NewText(text=_text(page, [range(len(page.lines))]))
    page = page if page.spans else _split_lines(page)
    found = quotes.find(page)
    kept, rule = _without_quotes(page, found.found)
    if not any(_says(page, each) for each in kept):
        kept, rule = [range(len(page.lines))], ""
    if found.forwarded_at is None:
        signed = [signature.cut(page, each) for each in kept]
        if any(_says(page, each) for each, _ in signed):
            names = [name for _, names in signed for name in names]
            return NewText(text=_text(page, (each for each, _ in signed)), rule=rule, signature="".join(names[:1]))
    return NewText(text=_text(page, kept), rule=rule)


def _split_lines(page: Readable) -> Readable:
    """Break lines where an introduction follows the answer's last words, as some programs on the web write them."""
    lines: list[str] = []
    for at, line in enumerate(page.lines):
        quoted = line.endswith(":") and len(line) <= MAX_COMPARED and introduction.quoted_below(page.lines, at + 1)
        before, rest = introduction.split_from_answer(line) if quoted else ("", line)
        lines += (before, rest) if before.strip() else (line,)
    return Readable(lines=lines)


def _without_quotes(page: Readable, found: Sequence[Quote]) -> tuple[list[range], str]:
    """Return the lines that stay and the rule that cut the others."""
    end = len(page.lines)
    if not found:
        return [range(end)], ""
    last = found[-1]
    said_after = _says_unsigned(page, range(last.end, end))
    if any(_says_unsigned(page, range(one.end, other.start)) for one, other in pairwise(found)):
        return ([range(end)], "") if said_after else ([range(last.start)], last.rule)
    first = next((quote for quote in found if quote.announced), None)
    if first:
        return [range(first.start), range(last.end, end)], first.rule
    if said_after or not quotes.stands_alone(page, found[0]):
        return [range(end)], ""
    return [range(found[0].start)], found[0].rule


def _says_unsigned(page: Readable, lines: range) -> bool:
    return _says(page, signature.cut(page, lines)[0])


def _says(page: Readable, lines: range) -> bool:
    return any(page.lines[at].strip(_MARKS) for at in lines)


def _text(page: Readable, kept: Iterable[range]) -> str:
    written = (line for each in kept for line in page.lines[each.start : each.stop])
    return clean_text("\n".join(written)[:MAX_TEXT]).strip("\n")
