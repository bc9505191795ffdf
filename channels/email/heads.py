"""What mail programs write above the mail they answer or pass on: marks, labels and introductions."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from channels.email import introduction
from channels.email.languages import words
from channels.email.readable import DASHES

_FRAME = DASHES + "*#\N{BOX DRAWINGS HEAVY HORIZONTAL} "
_AROUND_LABEL = _FRAME + ">|"
_MAX_MARK = 120
_MAX_LABEL, _MAX_LABELS = 60, 300
_HEAD_LINES = 14
_MAX_WRAPPED = 2  # lines that one label's value is wrapped into, besides its own
_MIN_FRAME = 3  # dashes, above an answered mail; people head their own paragraphs with less
_FORWARD_FRAME = "-" * 10  # Gmail's, in whatever language the words between are
_KINDS = ("from", "sent", "to", "subject", "copy")

_ORIGINAL = frozenset(words("original"))
_ORIGINAL_LINES = words("original_lines")
_FORWARDED = words("forwarded")
_ABOVE_THIS_LINE = words("above_this_line")
_FORM = frozenset(words("form_labels"))
_LABELS = {label: kind for kind in reversed(_KINDS) for label in words("labels", kind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How many lines stand above the old mail, and which rule knew them.

    `full` when they hold all that a mail program says of a mail, so that nobody will have typed them.
    """

    rule: str
    length: int
    full: bool


def at(lines: Sequence[str], index: int) -> Head | None:
    """Return what announces an answered mail from this line on, if anything does."""
    for rule, length in _RULES:
        found = length(lines, index)
        if found:
            return Head(rule=rule, length=found, full=_is_full(lines[index : index + found]))
    return None


def forwards(lines: Sequence[str], index: int) -> bool:
    """Say whether a forwarded mail begins at this line, also behind a quote mark of the whole."""
    line = lines[index].lstrip("> ")
    inner = _framed(line)
    if inner:
        gmail = line.startswith(_FORWARD_FRAME + " ") and inner not in _ORIGINAL and _labelled(lines, index + 1) > 0
        return gmail or inner.startswith(_FORWARDED)
    said = line.strip(_FRAME).casefold()
    return said.endswith((":", "\N{FULLWIDTH COLON}")) and said[:-1].rstrip() in _FORWARDED


def _framed(line: str) -> str:
    """Return the words between dashes, or nothing."""
    line = line.strip(" *\t")
    if len(line) > _MAX_MARK or not line[:2] or line[:2].strip(_FRAME):
        return ""
    return line.strip(_FRAME + ":").casefold()


def _original(lines: Sequence[str], index: int) -> int:
    line = lines[index].lstrip(" *")
    said = _framed(line) if not line[:_MIN_FRAME].strip(DASHES) else ""
    if said in _ORIGINAL or lines[index][:_MAX_MARK].lstrip(_FRAME).casefold().startswith(_ORIGINAL_LINES):
        return 1 + _labelled(lines, index + 1)
    return 0


def _above_this_line(lines: Sequence[str], index: int) -> int:
    said = lines[index].strip().casefold()
    if len(said) > _MAX_MARK or not any(each in said for each in _ABOVE_THIS_LINE):
        return 0
    return int(said in _ABOVE_THIS_LINE or not (said[:2] + said[-2:]).strip(_FRAME))


def _introduced_labels(lines: Sequence[str], index: int) -> int:
    """Count an introduction without its colon above labels, which alone are too few to be sure."""
    if index + 1 < len(lines) and _kind(lines[index + 1]) and introduction.names_day_and_writer(lines[index]):
        labels = takewhile(_kind, lines[index + 1 : index + _HEAD_LINES])
        return 1 + sum(1 for _ in labels)
    return 0


def _labels(lines: Sequence[str], index: int) -> int:
    begins = _kind(lines[index]) and not (index and _kind(lines[index - 1]))
    return _labelled(lines, index) if begins else 0


def _labelled(lines: Sequence[str], index: int) -> int:
    """Return how many lines make the head of a mail, empty ones above it included; 0 when it is none.

    Sender and subject with a third label are a head where an address stands there or a day of a year and a time, two
    labels where both do: people write "From: Oslo, To: Rome, Date: 3 May" themselves.
    """
    kinds: set[str] = set()
    last, wrapped = index - 1, 0
    for at_line in range(index, min(len(lines), index + _HEAD_LINES)):
        found = _all_kinds(lines[at_line])
        if found:
            kinds |= found
            last, wrapped = at_line, 0
        else:
            wrapped += 1
            if wrapped > _MAX_WRAPPED or (not lines[at_line].strip() and kinds and not _label_follows(lines, at_line)):
                break
    if not _is_head(kinds, lines[index : last + 1]) or _is_form(lines, index, last + 1):
        return 0
    return last + 1 - index


def _is_form(lines: Sequence[str], index: int, end: int) -> bool:
    """Say whether a website's form wrote the labels: among them, or next below, is one that no mail program writes."""
    below = next((at for at in range(end, min(len(lines), end + _MAX_WRAPPED)) if lines[at].strip()), end)
    block = takewhile(str.strip, lines[end : end + _HEAD_LINES])
    return any(map(in_form, (*lines[index:end], *block, *lines[below : below + 1])))


def in_form(line: str) -> bool:
    """Say whether a line begins with a label that forms have and heads of mails have not."""
    return _label(line) in _FORM


def _label_follows(lines: Sequence[str], index: int) -> bool:
    return index + 1 < len(lines) and bool(_kind(lines[index + 1]))


def _is_head(kinds: set[str], head: Sequence[str]) -> bool:
    said = " ".join(head)
    who, when = "@" in said, introduction.tells_day(said) and introduction.tells_time(said)
    if {"from", "subject"} <= kinds and kinds & {"sent", "to", "copy"}:
        return who or when
    return "sent" in kinds and bool(kinds & {"from", "to", "subject"}) and who and when


def _is_full(head: Sequence[str]) -> bool:
    said = " ".join(head)
    kinds = {kind for line in head for kind in _all_kinds(line)}
    return {"from", "sent", "subject"} <= kinds and "@" in said and introduction.tells_time(said)


def _label(line: str) -> str:
    label, colon, _ = line[:_MAX_LABEL].replace("\N{FULLWIDTH COLON}", ":").partition(":")
    return label.strip(_AROUND_LABEL).casefold() if colon else ""


def _kind(line: str) -> str:
    return _LABELS.get(_label(line), "")


def _all_kinds(line: str) -> set[str]:
    """Return the labels of a line; HTML mail may show a whole head as one."""
    first = _kind(line)
    if not first:
        return set()
    words_of_it = line[:_MAX_LABELS].split()[1:] if line.count(":") > 1 else ()
    further = (_LABELS.get(word[:-1].casefold(), "") for word in words_of_it if word.endswith(":"))
    return {first, *filter(None, further)}


_RULES = (
    ("original", _original),
    ("above_this_line", _above_this_line),
    ("labels", _labels),
    ("introduction", introduction.length),
    ("introduction", _introduced_labels),
)
