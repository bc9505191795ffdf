"""Bytes and encoded words into text, with a bound on every step and no charset that can raise."""

import quopri
import re

from channels.base import clean_line
from channels.text import unbase64

MAX_TEXT = 1024 * 1024

# Names that mean another charset in practice, as every mail reader treats them.
_ALIASES = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-8859-8-i": "iso-8859-8",
    "unicode-1-1-utf-7": "utf-7",
    "cp-850": "cp850",
    "utf8mb4": "utf-8",
}
# Codecs of Python's that no mail means: escapes, and two whose running time is quadratic. Spelt as Python itself brings
# names into one form, since it finds `punycode` under `punycode-` too.
_REFUSED = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_PUNCTUATION = re.compile(r"[^a-z0-9.]+")
_UNDECLARED = {"", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "unknown", "default", "_iso-2022-jp$esc"}
_CHARSET_NAME = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,59}")

_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")


def text(data: bytes, charset: str = "") -> str:
    """Decode with the charset named, or, where that is none, as UTF-8 and else as Windows-1252."""
    name = _charset(charset)
    try:
        return data.decode(name, "replace") if name else _guessed(data)
    except (LookupError, UnicodeError):
        return _guessed(data)


def _charset(given: str) -> str:
    name = given.strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    if name in _UNDECLARED or not _CHARSET_NAME.fullmatch(name):
        return ""
    return "" if _PUNCTUATION.sub("_", name).strip("_") in _REFUSED else name


def _guessed(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace") if len(data) < MAX_TEXT else data.decode("latin-1")


def transfer(data: bytes | memoryview, encoding: str, limit: int = MAX_TEXT) -> bytes:
    """Undo a transfer encoding, giving at most `limit` bytes and reading no more than they need. Never raises."""
    if encoding == "base64":
        return unbase64(bytes(data[: 2 * limit]))[:limit]
    if encoding == "quoted-printable":
        return quopri.decodestring(bytes(data[: 3 * limit]))[:limit]
    return bytes(data[:limit])


def header(value: str) -> str:
    """Decode encoded words; neighbours of one charset are joined first, for senders that cut a character in two."""
    if "=?" not in value:
        return value
    out: list[str] = []
    run = bytearray()
    run_charset = ""
    end = 0
    for match in _ENCODED_WORD.finditer(value):
        gap, charset = value[end : match.start()], match[1].lower()
        if run and (gap.strip() or charset != run_charset):
            out.append(text(bytes(run), run_charset))
            run.clear()
        if gap.strip() or not end:
            out.append(gap)
        run_charset = charset
        run += _word(match[2], _bytes(match[3], charset))
        end = match.end()
    return "".join((*out, text(bytes(run), run_charset), value[end:]))


def _bytes(coded: str, charset: str) -> bytes:
    """Return what stood in a word; some programs leave characters in it unencoded, in the word's own charset."""
    try:
        return coded.encode("ascii" if coded.isascii() else _charset(charset) or "utf-8", "replace")
    except (LookupError, UnicodeError):
        return coded.encode("utf-8", "replace")


def _word(encoding: str, raw: bytes) -> bytes:
    return quopri.decodestring(raw, header=True) if encoding in "qQ" else unbase64(raw + b"==")


def line(value: str, limit: int = 255) -> str:
    """Decode a header's text into one clean line."""
    return one_line(header(value), limit)


def one_line(text: str, limit: int = 255) -> str:
    """Return text as one line without controls or characters that reorder what is read."""
    return clean_line(_INVISIBLE.sub("", _CONTROLS.sub(" ", text)), limit)
