"""The characters of Slack's `:shortcodes:`."""

import re
from functools import lru_cache

# Where Slack means another character than others do, or writes it with the mark that makes it colourful.
_SLACKS = {
    "heart": "❤️",
    "warning": "⚠️",
    "heavy_check_mark": "✔️",
    "simple_smile": "🙂",
    "email": "✉️",
    **{f"skin-tone-{tone}": "" for tone in range(2, 7)},
}
_FLAG = re.compile(r"flag-([a-z])([a-z])")
_REGIONAL_A = 0x1F1E6


@lru_cache(1024)
def character(shortcode: str) -> str | None:
    """Return what a shortcode stands for, `None` for a workspace's own and for what is none."""
    if shortcode in _SLACKS:
        return _SLACKS[shortcode]
    if flag := _FLAG.fullmatch(shortcode):
        return "".join(chr(_REGIONAL_A + ord(letter) - ord("a")) for letter in flag.groups())
    return _known(shortcode)


def _known(shortcode: str) -> str | None:
    # Late: of all processes only the workers that read Slack's events need it.
    from rich.emoji import Emoji, NoEmoji  # noqa: PLC0415 (as said above)

    try:
        return str(Emoji(shortcode))
    except NoEmoji:
        return None
