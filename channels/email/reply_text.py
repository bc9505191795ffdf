"""What the writer added, without the mail it answers and without a signature.

Cutting too little shows a quote twice; cutting too much loses what a client said: in doubt, and always when nothing
would be left, the text stays whole.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from channels.base import clean_text
from channels.email import introduction, quotes, signature
from channels.email.body import Body
from channels.email.decode import MAX_TEXT
from channels.email.languages import any_of
from channels.email.mime import Part
from channels.email.quotes import Quote, Quotes
from channels.email.readable import MAX_COMPARED, NOTHING, Readable

MAX_LINES = 10_000
_MAX_LINES_POINTING, _MAX_POINTER = 40, 300  # how far above the answered mail somebody points to answers in it
_FORWARD_SUBJECT = re.compile(
    rf"\s*(?:\[[^\]]{{0,40}}\]\s*)?({any_of('forward_subjects')})\s?[:\N{{FULLWIDTH COLON}}]", re.IGNORECASE
)
_ANSWER_SUBJECT = re.compile(
    rf"\s*(?:\[[^\]]{{0,40}}\]\s*)?{any_of('answer_subjects')}\s?(?:[\[(^]\d{{1,3}}[\])]?)?\s?[:\N{{FULLWIDTH COLON}}]",
    re.IGNORECASE,
)
_INSIDE = re.compile(any_of("answered_inside", "alone"), re.IGNORECASE)
_PLACE = re.compile(rf"(?<!\w){any_of('answered_inside', 'places')}(?!\w)", re.IGNORECASE)
_POINTER = re.compile(rf"(?<!\w){any_of('answered_inside', 'pointers')}", re.IGNORECASE)
_MARKS = " \t>|-_=*~."
_MARKS_BELOW = " \t\n>|-_=*~"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewText:
    """The new text, the rule that cut the old mail from it, and the one that cut the signature; empty where none."""

    text: str
    rule: str = ""
    signature: str = ""


def new_text(mail: Body, subject: str = "") -> NewText:
    """Return what is new in a mail; a forwarded one, and answers written between quoted lines, stay whole."""
    page, answers = mail.page, _answers(mail.root, subject)
    new = of(page, subject, answers=answers)
    html = NOTHING if new.rule else mail.marked()
    if html.spans and len(page.lines) <= MAX_LINES and not _quotes(page, answers=answers).found:
        new = _as_marked(new, html, subject)
    return replace(new, text=mail.noted(new.text))


def _answers(root: Part, subject: str) -> bool:
    """Say whether a mail answers another by its headers."""
    named = any(root.headers.first(name) for name in ("in-reply-to", "references"))
    return named or bool(_ANSWER_SUBJECT.match(subject[:200]))


def _quotes(page: Readable, *, answers: bool) -> Quotes:
    """Return the quotes of a mail; in one that answers none only those that are sure."""
    found = quotes.find(page)
    return replace(found, found=tuple(quote for quote in found.found if quote.sure or answers))


def _as_marked(new: NewText, html: Readable, subject: str) -> NewText:
    """Cut a plain text in whose language no words are known where its HTML says, if both begin the same."""
    shown = of(html, subject)
    end = _end_of(shown.text, new.text) if shown.rule else 0
    return replace(shown, text=new.text[:end].rstrip(_MARKS_BELOW)) if end else new


def _end_of(beginning: str, text: str) -> int:
    """Return where the text goes on after the letters of its beginning; 0 where it begins with others, or ends."""
    letters = (at for at, char in enumerate(text) if char.isalnum())
    for char in filter(str.isalnum, beginning):
        at = next(letters, None)
        if at is None or text[at] != char:
            return 0
    return next(letters, 0)


def of(page: Readable, subject: str = "", *, answers: bool = True) -> NewText:
    """Return what is new in what a mail shows; one that `answers` another is less in doubt where it ends."""
    if len(page.lines) > MAX_LINES or _is_forward(page, subject):
        return NewText(text=_text(page, [range(len(page.lines))]))
    page = page if page.spans else _split_lines(page)
    found = _quotes(page, answers=answers)
    kept, rule = _without_quotes(page, found.found)
    if (rule and _answers_inside(page, kept)) or not any(_says(page, each) for each in kept):
        kept, rule = [range(len(page.lines))], ""
    if found.forwarded_at is None:
        signed = [signature.cut(page, each) for each in kept]
        if any(_says(page, each) for each, _ in signed):
            names = [name for _, names in signed for name in names]
            return NewText(text=_text(page, (each for each, _ in signed)), rule=rule, signature="".join(names[:1]))
    return NewText(text=_text(page, kept), rule=rule)


def _answers_inside(page: Readable, kept: Sequence[range]) -> bool:
    """Say whether the writer points to answers in the midst of what they answer; a program shows no trace of that."""
    above, *below = kept
    said = (page.lines[at][:_MAX_POINTER] for at in above[-_MAX_LINES_POINTING:])
    pointed = any(_INSIDE.search(line) or (_PLACE.search(line) and _POINTER.search(line)) for line in said)
    return pointed and not any(_says_unsigned(page, each) for each in below)


def _is_forward(page: Readable, subject: str) -> bool:
    """Ask the subject; "VS:" is a forward in Danish and Norwegian, and an answer in Finnish."""
    match = _FORWARD_SUBJECT.match(subject[:200])
    if match is None or match[1].casefold() != "vs":
        return match is not None
    return not any(line[:MAX_COMPARED].lstrip(" *").casefold().startswith("lähettäjä") for line in page.lines)


def _split_lines(page: Readable) -> Readable:
    """Break lines where an introduction follows the answer's last words, as some programs on the web write them."""
    lines: list[str] = []
    for at, line in enumerate(page.lines):
        quoted = line.endswith(":") and len(line) <= MAX_COMPARED and introduction.quoted_below(page.lines, at + 1)
        before, rest = introduction.split_from_answer(line) if quoted else ("", line)
        lines += (before, rest) if before.strip(_MARKS) else (line,)
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
    stretches = ("\n".join(page.lines[each.start : each.stop]).strip() for each in kept)
    return clean_text("\n\n".join(filter(None, stretches))[:MAX_TEXT]).strip()
