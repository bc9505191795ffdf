"""Between Slack's mark-up and plain text.

Outwards only `&`, `<` and `>` are escaped: it is all that Slack asks for, and all that stands between a client's text
and a live `<!channel>` (https://docs.slack.dev/messaging/formatting-message-text). Inwards everything becomes words.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate

from channels.base import clean_line, clean_text
from channels.slack.emoji import character

_TOKEN = re.compile(r"<([^<>]*)>")
# Code, links and mentions are passed over: what looks like an emoji there is none.
_SHORTCODE = re.compile(r"```.*?```|`[^`\n]+`|<[^<>]*>|:([a-z0-9_+-]{1,40}):", re.DOTALL)
# A person, a group of people (`<!subteam^S1|@team>`), or all who are in the channel.
_MENTION = re.compile(r"<(?:(?:@|!subteam\^)([A-Z0-9]{1,32})|(!(?:here|channel|everyone)))(?:\|[^<>]*)?>")

_BRACKETS = {
    ord("<"): "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
    ord(">"): "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
}


def escape(words: str) -> str:
    """Return plain text so that Slack shows it as it is."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def weight(words: str) -> int:
    """Return the length Slack may count: escaped, and in UTF-16 units, of which an emoji has two."""
    return len(escape(words).encode("utf-16-le", "surrogatepass")) // 2


def pieces(words: str, limit: int) -> Iterator[str]:
    """Cut plain text into pieces that weigh at most `limit` each, at paragraph, line or word ends where there are any.

    There is at least one. All but the last weigh half the limit or more, so that short lines do not make many pieces.
    """
    words, start = words.strip(), 0
    weights = [0, *accumulate(map(weight, words))]
    while weights[-1] - weights[start] > limit:
        half = bisect_left(weights, weights[start] + limit // 2, start)
        cut = _cut(words, half, bisect_right(weights, weights[start] + limit, start) - 1)
        yield words[start:cut].rstrip()
        start = next(place for place in range(cut, len(words)) if not words[place].isspace())
    yield words[start:]


def _cut(words: str, half: int, end: int) -> int:
    found = (words.rfind(gap, half, end + 1) for gap in ("\n\n", "\n", " "))
    return next((cut for cut in found if cut > 0), end)


def plain(mrkdwn: str) -> str:
    """Return what a person wrote as plain text: links with their address, names for mentions, no entities."""
    parts = _TOKEN.split(_SHORTCODE.sub(_character, mrkdwn))
    words = [_token(part) if index % 2 else part for index, part in enumerate(parts)]
    return clean_text(_unescape("".join(words)))


def mentioned(mrkdwn: str) -> tuple[str, ...]:
    """Return the ids of the people and groups named in a text, `!here` and the like as such, each once, in order."""
    return tuple(dict.fromkeys(one or all_here for one, all_here in _MENTION.findall(mrkdwn)))


def _unescape(escaped: str) -> str:
    # The ampersand last, so that a written-out `&amp;lt;` comes back as `&lt;` and not as `<`.
    return escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _character(found: re.Match[str]) -> str:
    known = character(found[1]) if found[1] else None
    return found[0] if known is None else known


def _token(inner: str) -> str:
    target, _, label = inner.partition("|")
    if target.startswith(("@", "#")):
        return target[0] + (label.removeprefix(target[0]) or _nameless(target))
    if target.startswith("!"):
        return _command(target[1:], label)
    return _link(target, label)


def _nameless(target: str) -> str:
    # Of private channels Slack tells no name: an id would tell a client nothing. People are asked about later.
    return "channel" if target.startswith("#") else target[1:]


def _command(target: str, label: str) -> str:
    # `<!subteam^S1|@team>` and `<!date^…|words>` carry what to show; `<!here>` is its own name.
    return label or "@" + target.partition("^")[0]


def _link(target: str, label: str) -> str:
    scheme, _, rest = target.partition(":")
    if scheme in {"mailto", "tel"}:
        return rest if label in {"", rest} else f"{label} ({rest})"
    if label in {"", target, rest.removeprefix("//")}:
        return target
    return f"{label} ({target})"


def label(words: str) -> str:
    """Return a name for the fields that Slack shows as they are, without the brackets that mean something elsewhere."""
    return clean_line(words.translate(_BRACKETS), 80)
