"""The tags and texts of HTML, whatever is broken about it.

They are cut by one expression that never looks past the next `<`, so the time is linear in the length; the standard
library's parser is quadratic on malformed input before Python 3.11.14 and 3.12.12.
"""

import re
from collections.abc import Iterator
from html import unescape

MAX_ATTRIBUTES = 8192

_TOKEN = re.compile(
    r"""<(?P<close>/?)(?P<name>[a-z][a-z0-9:-]*+)(?P<attributes>(?:[^<>"']++|"[^"<]*+"|'[^'<]*+'|["'])*+)>"""
    r"|(?P<declaration><[!?][^<>]*+>)|(?P<text><?[^<]++|<+(?=<)|<)",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""\b(href|alt)\s*=\s*("[^"]*+"|'[^']*+'|[^\s"'>]++)""", re.IGNORECASE)
SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_DROPPED = frozenset(("script", "style", "head", "title", "template", "svg", "noframes", "iframe", "object"))
_LONG_REFERENCE = re.compile(r"&#(?=[xX]?[0-9a-fA-F]{9})")


def visible(html: str) -> Iterator[re.Match[str]]:
    """Yield `name`, `close` and `attributes` of tags, and `text`, outside of what is not for reading."""
    return _shown(_without_comments(html))


def _without_comments(html: str) -> str:
    kept, at = [], 0
    while (start := html.find("<!--", at)) >= 0:
        end = html.find("-->", start + 4)
        if end < 0:
            break
        kept.append(html[at:start])
        at = end + 3
    return "".join((*kept, html[at:]))


def _shown(html: str) -> Iterator[re.Match[str]]:
    """Yield the tokens outside elements that are not for reading; one that is never closed hides nothing but itself."""
    lower, at = html.lower(), 0
    if len(lower) != len(html):  # a few capitals outside ASCII grow in lower case and would shift the offsets
        lower = html
    unclosed: set[str] = set()
    while match := _TOKEN.match(html, at):
        at = match.end()
        name = (match["name"] or "").lower()
        if name in _DROPPED and not match["close"] and not match["attributes"].endswith("/"):
            end = -1 if name in unclosed else lower.find("</" + name, at)
            if end < 0:
                unclosed.add(name)
            at = max(at, end)
        elif name not in _DROPPED:
            yield match


def attribute(attributes: str, name: str) -> str:
    """Return the value of `href` or `alt`, or an empty text."""
    for match in _ATTRIBUTE.finditer(attributes[:MAX_ATTRIBUTES]):
        if match[1].lower() == name:
            return SPACE.sub(" ", plain_text(match[2].strip("\"'"))).strip()
    return ""


def plain_text(text: str) -> str:
    """Resolve character references; those of absurd length, which Python refuses to read, stay as they are."""
    if "&" not in text:
        return text
    return unescape(_LONG_REFERENCE.sub("&amp;#", text))
