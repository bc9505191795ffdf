"""What a mail as read is worth beside what was expected: a mark from 0 to 1 for each figure, `pass` among them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from channels.email.describe import Description

Marks = dict[str, float]
Record = Mapping[str, Any]

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_MARK_UP = re.compile(r"[*_#|]+")
_LAST_RULE = re.compile(r"(?:^|\s)[-_=*~]{2,}$")
_WORD = re.compile(r"\w+")
_IN_NAMES = re.compile(r"[\\/\s]+")
# Of the expected words, that many must be there; of those given, that many expected.
_LOST_BELOW, _LEAKED_BELOW = 0.98, 0.9


def words_of(text: str) -> str:
    """Return a text with its white space made one space, and without what nobody sees."""
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).replace("\xa0", " ").split())


def reply(record: Record, found: Description) -> Marks:
    expect = record["expect"]
    marks = _compared(record, found.reply_text) if "reply" in expect else {"pass": 1.0}
    given = words_of(found.reply_text).casefold()
    rules = (
        *(_folded(each) in given for each in expect.get("contains", ())),
        *(_folded(each) not in given for each in expect.get("not_contains", ())),
        given.startswith(_folded(expect.get("startswith", ""))),
        given.endswith(_folded(expect.get("endswith", ""))),
    )
    return {**marks, "pass": float(bool(marks["pass"]) and all(rules))}


def _folded(text: str) -> str:
    return words_of(text).casefold()


def _compared(record: Record, given: str) -> Marks:
    """Compare with the text expected, or with whichever of those as good comes nearest."""
    html_only = bool(record.get("html_only"))
    ours = _plain(given, html_only=html_only)
    wanted = [
        _plain(each, html_only=html_only) for each in (record["expect"]["reply"], *record["expect"].get("accept", ()))
    ]
    nothing_wanted = not any(_WORD.search(each) for each in wanted)
    exact = float(ours in wanted or (nothing_wanted and not _WORD.search(words_of(given))))
    precision, recall, both = max((_overlap(ours, each) for each in wanted), key=lambda found: found[2])
    language = "exact, English" if record.get("lang", "en") == "en" else "exact, other languages"
    return {
        "pass": exact,
        "exact": exact,
        language: exact,
        **({"exact, HTML only": exact} if html_only else {}),
        "precision": precision,
        "recall": recall,
        "f1": both,
        "content lost": float(recall < _LOST_BELOW),
        "quote leaked": float(precision < _LEAKED_BELOW),
    }


def _plain(text: str, *, html_only: bool) -> str:
    text = words_of(text)
    return _LAST_RULE.sub("", words_of(_MARK_UP.sub("", text)) if html_only else text).strip()


def _overlap(ours: str, wanted: str) -> tuple[float, float, float]:
    """Return how many of our words are wanted, how many of those wanted are ours, and the mean that both draw down."""
    given, asked = (Counter(_WORD.findall(text.casefold())) for text in (ours, wanted))
    common = (given & asked).total()
    precision = common / given.total() if given else 1.0
    recall = common / asked.total() if asked else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def parse(record: Record, found: Description) -> Marks:
    fields = {name: float(right) for name, right in _fields(record["expect"], found)}
    return {**fields, "pass": float(all(fields.values()))}


def _fields(expect: Mapping[str, Any], found: Description) -> Iterable[tuple[str, bool]]:
    subject, sizes = words_of(found.subject), [file.size for file in found.attachments]
    if "subject" in expect:
        yield "subject", subject == words_of(expect["subject"])
    if "subject_contains" in expect:
        yield "subject", words_of(expect["subject_contains"]) in subject
    if "subject_prefix" in expect:
        yield "subject", subject.startswith(words_of(expect["subject_prefix"]))
    if "from_address" in expect:
        yield "from", _folded(found.from_address) == _folded(expect["from_address"])
    if "attachments" in expect:
        yield from _files(expect["attachments"], found)
    if "attachment_sizes" in expect:
        yield "file sizes", all(any(_near(each, size) for each in sizes) for size in expect["attachment_sizes"])
    if "attachment_count" in expect:
        yield "file count", len(sizes) == expect["attachment_count"]
    if "text_contains" in expect:
        yield "text", all(_folded(each) in _folded(found.text) for each in expect["text_contains"])


def _files(wanted: list[Mapping[str, Any]], found: Description) -> Iterable[tuple[str, bool]]:
    ours = {_name(file.name): file.size for file in found.attachments}
    yield "file names", all(_name(each["name"]) in ours for each in wanted)
    sized = [each for each in wanted if isinstance(each.get("size"), int)]
    if sized:
        yield "file sizes", all(_near(ours.get(_name(each["name"]), -1), each["size"]) for each in sized)


def _name(text: str) -> str:
    return _IN_NAMES.sub("", words_of(text)).casefold()


def _near(ours: int, wanted: int) -> bool:
    """Leave room for line ends, which some programs count otherwise."""
    return ours >= 0 and abs(ours - wanted) <= max(2, 0.02 * wanted)


def auto(record: Record, found: Description) -> Marks:
    return {"pass": float(found.auto_generated == record["expect"]["auto"])}


def bounce(record: Record, found: Description) -> Marks:
    expect, is_one = record["expect"], found.bounce is not None
    if not expect["bounce"]:
        return {"others right": float(not is_one), "pass": float(not is_one)}
    recipient = words_of(found.bounce.recipient).strip("<>").casefold() if found.bounce else ""
    status = words_of(found.bounce.status) if found.bounce else ""
    marks = {"found": float(is_one)}
    if expect.get("recipients"):
        known = (*expect["recipients"], *expect.get("recipients_accept", ()))
        marks["recipient"] = float(recipient in {each.casefold() for each in known})
    if expect.get("status"):
        marks["status"] = float(status in {expect["status"], *expect.get("status_accept", ())})
    if expect.get("class"):
        marks["class"] = float(status[:1] in expect["class"])
    whole = min(marks.get(name, 1.0) for name in ("found", "recipient", "class"))
    return {**marks, "all of it": whole, "pass": whole}


def thread(record: Record, found: Description) -> Marks:
    expect, marks = record["expect"], {}
    if expect.get("message_id"):
        marks["message id"] = float(_bare(found.message_id) == expect["message_id"])
    if "in_reply_to" in expect:
        marks["in reply to"] = float(_bare(found.in_reply_to) == (expect["in_reply_to"] or ""))
    if "references" in expect:
        marks["references"] = float([_bare(each) for each in found.references] == expect["references"])
    return {**marks, "pass": float(all(marks.values()))}


def _bare(message_id: str) -> str:
    return words_of(message_id).strip("<>").strip()


MARKS: dict[str, Callable[[Record, Description], Marks]] = {
    "reply": reply,
    "parse": parse,
    "auto": auto,
    "bounce": bounce,
    "thread": thread,
}
