"""The light marks of chats, those of `OutboundMessage.body`: what is one, and a text without them.

Between a mark and what it stands around is no space, and no letter or digit stands outside, so that `2*3*4` and
`some_file_name` stay as they are. What is no pair of marks is text.
"""

import re

FENCE = re.compile(r"(?:[ \t]*\n)?```\n?(.*?)\n?```(?:[ \t]*\n)?", re.DOTALL)
ITEM = re.compile(r"[ \t]*[•◦▪‣-]\ufe0e?[ \t]+(?=\S)")
PAIRS = {"*": "strong", "_": "em", "~": "del"}

_ADDRESS = r"https?://(?:[^\s<>\"()]|\([^\s<>\"()]{0,500}\)){1,2000}"
_MARKED = "|".join(rf"(?<![\w{m}])[{m}](?=\S)[^{m}\n]+(?<=\S)[{m}](?![\w{m}])" for m in PAIRS)
INLINE = re.compile(rf"`[^`\n]+`|{_ADDRESS}|{_MARKED}")


def unmarked(text: str) -> str:
    """Return a text for where marks are only characters: without them, and with a hyphen before each item of a list."""
    parts = FENCE.split(text)
    shown = [part if number % 2 else _bare(part) for number, part in enumerate(parts)]
    return "\n".join(shown).strip("\n") if len(shown) > 1 else shown[0]


def _bare(text: str) -> str:
    return "\n".join(_without(ITEM.sub("- ", line, count=1) if ITEM.match(line) else line) for line in text.split("\n"))


def _without(text: str) -> str:
    """Take the marks away; each pair excludes itself from what it holds, so this goes three deep."""
    return INLINE.sub(lambda found: _inside(found[0]), text)


def _inside(piece: str) -> str:
    if piece[0] in PAIRS:
        return _without(piece[1:-1])
    return piece[1:-1] if piece[0] == "`" else piece
