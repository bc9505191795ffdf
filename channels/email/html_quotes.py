"""The elements that mail programs put an answered mail and a signature in, by the names they give them.

They speak no language: a quote is known in Georgian as in English.
"""

import re
from collections import Counter
from dataclasses import dataclass
from html import unescape

from channels.email.html_tokens import MAX_ATTRIBUTES
from channels.email.readable import Role, Span

BORDER = "outlook_border"
DOUBTFUL = frozenset((BORDER, "quote"))  # others draw such lines and give such names, too
_MAX_OPEN = 50
_MAX_SPANS = 100

_CLASSES = {
    "gmail_quote": Role.INTRODUCES,
    "gmail_quote_container": Role.INTRODUCES,
    "moz-cite-prefix": Role.INTRODUCES,
    "airmail_on": Role.INTRODUCES,
    "protonmail_quote": Role.INTRODUCES,
    "tutanota_quote": Role.INTRODUCES,
    "zmail_extra": Role.INTRODUCES,
    "yahoo_quoted": Role.QUOTES,
    "ms-outlook-mobile-reference-message": Role.QUOTES,
    "outlookmessageheader": Role.HEADS,
    "gmail_signature": Role.SIGNS,
    "moz-signature": Role.SIGNS,
    "protonmail_signature_block": Role.SIGNS,
}
_IDS = {
    "reply-intro": Role.INTRODUCES,
    "olk_src_body_section": Role.QUOTES,
    "mail-editor-reference-message-container": Role.QUOTES,
    "isreplycontent": Role.QUOTES,
    "divrplyfwdmsg": Role.HEADS,
    "stopspelling": Role.HEADS,
    "zwchr": Role.HEADS,
    "signature": Role.SIGNS,
}
_NAMES = {
    "quote": Role.QUOTES,
    "messagereplysection": Role.QUOTES,
    "messagesignaturesection": Role.SIGNS,
}
_NAMED = {"class": _CLASSES, "id": _IDS, "name": _NAMES}
_YAHOO_ID = "yahoo_quoted"  # followed by a number
ELEMENTS = frozenset(("div", "span", "blockquote", "section", "table", "td", "p", "hr"))

_ATTRIBUTE = re.compile(r"""\b(class|id|name|type|style)\s*=\s*("[^"]*+"|'[^']*+'|[^\s"'>]++)""", re.IGNORECASE)
# The line above the head of an answered mail in Outlook for Windows and Windows Mail.
_BORDER = re.compile(r"border-top(?:-style)?:[^;]{0,60}solid")
_NO_BORDER = "border:none"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    name: str
    level: int
    start: int
    role: Role
    rule: str


class Structure:
    """The marked elements as spans of lines, while a mail is being read tag by tag."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._open: list[_Open] = []
        self._levels: Counter[str] = Counter()

    def begin(self, name: str, mark: tuple[Role, str] | None, line: int) -> None:
        """Note an element that begins at a line."""
        self._levels[name] += 1
        if mark and len(self.spans) < _MAX_SPANS and len(self._open) < _MAX_OPEN:
            self._open.append(_Open(name=name, level=self._levels[name], start=line, role=mark[0], rule=mark[1]))

    def end(self, name: str, line: int) -> None:
        """Note an end tag: it closes its element and what was left open inside."""
        level = self._levels[name]
        if not level:
            return
        self._levels[name] -= 1
        at = next((at for at, each in enumerate(self._open) if each.name == name and each.level == level), None)
        if at is not None:
            self.finish(line, at)

    def finish(self, line: int, keep: int = 0) -> None:
        """Close what is open beyond the first `keep`."""
        while len(self._open) > keep:
            self._close(self._open.pop(), line)

    def _close(self, element: _Open, line: int) -> None:
        self.spans.append(Span(start=element.start, end=line, role=element.role, rule=element.rule))


def mark_of(name: str, attributes: str) -> tuple[Role, str] | None:
    """Return what a mail program means by an element, and the name of the mark; `None` where it means nothing."""
    if not attributes:
        return None
    given = {
        key.lower(): unescape(value.strip("\"'")).lower()
        for key, value in _ATTRIBUTE.findall(attributes[:MAX_ATTRIBUTES])
    }
    if name == "blockquote" and _is_chosen(given):
        return Role.CITES, "blockquote"
    for key, marks in _NAMED.items():
        for word in given.get(key, "").split():
            if word in marks:
                return marks[word], word
    if given.get("id", "").startswith(_YAHOO_ID):
        return Role.QUOTES, _YAHOO_ID
    if name == "blockquote" and given.get("type") == "cite":
        return Role.QUOTES, "blockquote_cite"
    bordered = name == "div" and _BORDER.search("".join(given.get("style", "")[:1000].split()))
    return (Role.HEADS, BORDER) if bordered else None


def _is_chosen(given: dict[str, str]) -> bool:
    """Say whether a blockquote is what Gmail's quote button makes, or an indent without a border as others make."""
    return "gmail_quote" in given.get("class", "").split() or _NO_BORDER in "".join(given.get("style", "").split())
