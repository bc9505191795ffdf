"""Text work that more than one channel needs."""


def split_text(text: str, limit: int) -> tuple[str, ...]:
    """Cut `text` into pieces of at most `limit` characters, at paragraph, line or word ends where there are any.

    Joined with the white space they were cut at, the pieces give the text again; there is always at least one.
    """
    pieces: list[str] = []
    rest = text.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return (*pieces, rest) if rest or not pieces else tuple(pieces)


def _cut(text: str, limit: int) -> int:
    window = text[: limit + 1]
    for end in ("\n\n", "\n", " "):
        cut = window.rfind(end, limit // 2)
        if cut > 0:
            return cut
    return limit
