"""Text work that more than one channel needs."""

import binascii

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_BASE64 = bytes(set(range(256)) - set(_BASE64))


def unbase64(raw: bytes | memoryview) -> bytes:
    """Return what can be read of base64, whatever stands between its digits and however it ends."""
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        digits = bytes(raw).translate(None, _NO_BASE64)
        return binascii.a2b_base64(digits[: len(digits) // 4 * 4])


def unuuencode(raw: bytes) -> bytes:
    """Return what can be read of uuencoded lines, those between `begin` and `end`."""
    return b"".join(_unuuencoded(line) for line in raw.splitlines() if line)


def _unuuencoded(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line[: 1 + 4 * ((((line[0] - 32) & 63) + 2) // 3)])
    except binascii.Error:
        return b""


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
