"""Where the quotes of a mail lie: each with the lines that announce it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from channels.email import heads, introduction
from channels.email.html_quotes import DOUBTFUL
from channels.email.readable import DASHES, Readable, Role, Span, compared

# Where programs wrap lines: one that a second program wrapped again leaves its last words without a quote mark.
_WRAPPED_AT = 70
_MAX_WRAPPED, _MAX_WRAPPED_WORDS = 20, 3  # a quote mark's width too much pushes a word or two out; answers are longer
_ALONE = 3  # quoted lines that are a quote without anything announcing them
_RULE = re.compile(rf"[\s>]*+[*{re.escape(DASHES)}]{{3,}}+\s*+")
# Besides ">" there are "|", and the initials of who wrote: "JC> ".
_MARK = re.compile(r" *+(>|\||[^\W\d_]{1,4}>)")
_LINK_ONLY = re.compile(r"[<(]https?://\S+[>)]")
_BORDER_LABEL = re.compile(r"\S.{0,30}[:\N{FULLWIDTH COLON}]")
_BORDER_LABELS = 3
_MAX_INTRODUCTION = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Lines from `start` up to `end`; `announced` when a mail program said that a quote follows.

    `chosen` when the writer put it there as a quotation, as Gmail's button does; `sure` when it is marked to its end or
    begins with a head that lacks nothing: people, too, tell what others wrote to them.
    """

    start: int
    end: int
    rule: str
    announced: bool = True
    chosen: bool = False
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """The quotes in order, none of which lies behind the line where a forwarded mail begins."""

    found: tuple[Quote, ...]
    forwarded_at: int | None = None


def find(page: Readable) -> Quotes:
    """Return the quotes of a mail. Each line is looked at a bounded number of times."""
    lines = [compared(line) for line in page.lines]
    marked = _first_lines(page, lines)
    found: list[Quote] = []
    index = 0
    while index < len(lines):
        if not lines[index].strip():
            index += 1
            continue
        if heads.forwards(lines, index):
            return Quotes(found=tuple(found), forwarded_at=index)
        quote = _quote(lines, index, marked.get(index))
        if quote:
            found.append(quote)
        index = quote.end if quote else index + 1
    return Quotes(found=tuple(found))


def _first_lines(page: Readable, lines: Sequence[str]) -> dict[int, Span]:
    """Return what mail programs marked by its first line with text; of one in another the outer."""
    marked: dict[int, Span] = {}
    for span in sorted(page.spans, key=lambda span: (span.start, -span.end)):
        first = next((at for at in range(span.start, min(span.end, span.start + 4)) if lines[at].strip()), span.start)
        if span.role is not Role.SIGNS:
            marked.setdefault(first, span)
    return marked


def _quote(lines: Sequence[str], index: int, span: Span | None) -> Quote | None:
    marked = _marked(lines, index, span) if span else None
    if marked:
        return marked
    if _is_quoted(lines[index]):
        quote = _unannounced(lines, index)
        return replace(quote, chosen=True) if span and span.role is Role.CITES else quote
    head = heads.at(lines, index)
    if head is None:
        return None
    start, below = _without_rule(lines, index), _next_text(lines, index + head.length)
    mark = _MARK.match(lines[below]) if below < len(lines) else None
    end = _quoted_end(lines, below, mark[1]) if mark else len(lines)
    return Quote(start=start, end=end, rule=head.rule, sure=bool(mark) or head.full)


def _marked(lines: Sequence[str], index: int, span: Span) -> Quote | None:
    if span.rule in DOUBTFUL and not _labels_follow(lines, index):
        return None
    if span.role in {Role.QUOTES, Role.HEADS}:
        end = span.end if span.role is Role.QUOTES else len(lines)
        return Quote(start=_without_rule(lines, index), end=end, rule=span.rule)
    if span.role is not Role.INTRODUCES:
        return None
    reach = range(index, min(len(lines), index + _MAX_INTRODUCTION))
    first = next((at for at in reach if _is_quoted(lines[at])), None)
    return Quote(start=index, end=_quoted_end(lines, first, ">"), rule=span.rule) if first is not None else None


def _labels_follow(lines: Sequence[str], index: int) -> bool:
    """Say whether the lines here look like a head, in whatever language: labels, and when the mail was sent."""
    head = [line for line in lines[index : index + _MAX_INTRODUCTION] if line.strip()][: _BORDER_LABELS + 1]
    said = " ".join(head)
    labelled = sum(bool(_BORDER_LABEL.match(line)) for line in head) >= _BORDER_LABELS
    dated = introduction.tells_day(said) and introduction.tells_time(said)
    return labelled and dated and not any(map(heads.in_form, head))


def _unannounced(lines: Sequence[str], index: int) -> Quote:
    """Return quoted lines that nothing stands above; their own first lines may say what they are."""
    inner = [line.lstrip("> ") for line in lines[index : index + _MAX_INTRODUCTION]]
    head = heads.at(inner, _next_text(inner, 0) % len(inner))
    end = _quoted_end(lines, index, ">")
    return Quote(start=index, end=end, rule=head.rule if head else "quote_marks", announced=head is not None)


def stands_alone(page: Readable, quote: Quote) -> bool:
    """Say whether quoted lines are a quote though nothing announces them: a shell's prompt is one such line, or two."""
    if quote.chosen:
        return False
    lines = page.lines[quote.start : quote.end]
    said = next((line for line in reversed(page.lines[: quote.start]) if line.strip()), "").rstrip()
    if said.endswith(":") and not introduction.tells_time(said) and "@" not in said:
        return False
    above = page.lines[quote.start - 1].strip() if quote.start else ""
    return not above or sum(bool(line.strip(" >\t")) for line in lines) >= _ALONE


def _is_quoted(line: str) -> bool:
    return line.lstrip(" ").startswith(">")


def _quoted_end(lines: Sequence[str], index: int, mark: str) -> int:
    """Return where lines behind a mark end; empty ones between them belong, and what was wrapped out of them."""
    end = at = index
    while at < len(lines):
        if lines[at].lstrip(" ").startswith((mark, ">")):
            end = at + 1
        elif lines[at].strip() and not _wrapped_out(lines, at, mark):
            break
        at += 1
    return end


def _wrapped_out(lines: Sequence[str], index: int, mark: str) -> bool:
    """Say whether a line is the rest of the quoted one above it, and not an answer: answers follow questions."""
    above, line = lines[index - 1], lines[index].strip()
    below = lines[index + 1] if index + 1 < len(lines) else mark
    if not (above.startswith(mark) and below.startswith(mark)) or above.endswith("?") or line[0].isupper():
        return False
    if _LINK_ONLY.match(line) or "://" in above.split()[-1]:
        return True
    few = len(line) <= _MAX_WRAPPED and len(line.split()) <= _MAX_WRAPPED_WORDS
    return few and len(above) + len(line.split()[0]) >= _WRAPPED_AT


def _next_text(lines: Sequence[str], index: int) -> int:
    while index < len(lines) and not lines[index].strip():
        index += 1
    return index


def _without_rule(lines: Sequence[str], index: int) -> int:
    """Step back over the line that programs draw above what they quote."""
    before = index
    while before and not lines[before - 1].strip():
        before -= 1
    return before - 1 if before and _RULE.fullmatch(lines[before - 1]) else index
