"""Between Slack's mark-up and plain text.

Outwards only `&`, `<` and `>` are escaped: it is all that Slack asks for, and all that stands between a client's text
and a live `<!channel>` (https://docs.slack.dev/messaging/formatting-message-text). Inwards everything becomes words.
"""

import re
from collections.abc import Iterator

from channels.base import clean_line, clean_text
from channels.text import split_text

_TOKEN = re.compile(r"<([^<>]*)>")
_SHORTCODE = re.compile(r":([a-z0-9_+-]{1,40}):")
_MENTION = re.compile(r"<@([A-Z0-9]{1,32})(?:\|[^<>]*)?>")

_BRACKETS = {
    ord("<"): "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
    ord(">"): "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
}

# What people type most; others stay as they are, which reads well enough.
_EMOJI = {
    "+1": "👍",
    "thumbsup": "👍",
    "-1": "👎",
    "thumbsdown": "👎",
    "smile": "😄",
    "slightly_smiling_face": "🙂",
    "grinning": "😀",
    "joy": "😂",
    "wink": "😉",
    "blush": "😊",
    "heart": "❤️",
    "tada": "🎉",
    "pray": "🙏",
    "wave": "👋",
    "clap": "👏",
    "ok_hand": "👌",
    "eyes": "👀",
    "thinking_face": "🤔",
    "cry": "😢",
    "disappointed": "😞",
    "rage": "😡",
    "fire": "🔥",
    "rocket": "🚀",
    "warning": "⚠️",
    "lock": "🔒",
    "white_check_mark": "✅",
    "heavy_check_mark": "✔️",
    "x": "❌",
    "question": "❓",
    "bulb": "💡",
    "hourglass_flowing_sand": "⏳",
    **{f"skin-tone-{tone}": "" for tone in range(2, 7)},
}


def escape(words: str) -> str:
    """Return plain text so that Slack shows it as it is."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def weight(words: str) -> int:
    """Return the length Slack may count: escaped, and in UTF-16 units, of which an emoji has two."""
    return len(escape(words).encode("utf-16-le", "surrogatepass")) // 2


def pieces(words: str, limit: int) -> Iterator[str]:
    """Cut plain text into pieces that weigh at most `limit` each, at least one."""
    yield from _pieces(words, limit, limit)


def _pieces(words: str, limit: int, length: int) -> Iterator[str]:
    for piece in split_text(words, length):
        if weight(piece) <= limit:
            yield piece
        else:
            yield from _pieces(piece, limit, len(piece) // 2)


def plain(mrkdwn: str) -> str:
    """Return what a person wrote as plain text: links with their address, names for mentions, no entities."""
    parts = _TOKEN.split(mrkdwn)
    words = [_token(part) if index % 2 else _emoji(part) for index, part in enumerate(parts)]
    return clean_text(_unescape("".join(words)))


def mentioned(mrkdwn: str) -> tuple[str, ...]:
    """Return the ids of the people named in a text, each once, in order."""
    return tuple(dict.fromkeys(_MENTION.findall(mrkdwn)))


def _unescape(escaped: str) -> str:
    # The ampersand last, so that a written-out `&amp;lt;` comes back as `&lt;` and not as `<`.
    return escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _emoji(words: str) -> str:
    return _SHORTCODE.sub(lambda found: _EMOJI.get(found[1], found[0]), words)


def _token(inner: str) -> str:
    target, _, label = inner.partition("|")
    if target.startswith(("@", "#")):
        return target[0] + label.removeprefix(target[0]) if label else target
    if target.startswith("!"):
        return _command(target[1:], label)
    return _link(target, label)


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
