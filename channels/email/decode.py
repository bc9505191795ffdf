"""Bytes and encoded words into text, with a bound on every step and no charset that can raise."""

import quopri
import re

from channels.base import clean_line
from channels.text import unbase64

MAX_TEXT = 1024 * 1024
# How many bytes are read at most for one byte of what they encode.
REACH = {"base64": 2, "quoted-printable": 3}

# Names that mean another charset in practice, as every mail reader treats them.
_ALIASES = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "windows-1252": "cp1252",
    "x-ansi": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-2022-jp": "iso2022_jp_ext",
    "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "x-euc-jp": "euc-jp",
    "big5": "big5hkscs",
    "x-gb18030": "gb18030",
    "gb_2312-80": "gb18030",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "x-windows-949": "cp949",
    "koi8r": "koi8-r",
    "win-1251": "cp1251",
    "x-cp1251": "cp1251",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "utf8": "utf-8",
    "utf_8": "utf-8",
    "utf-8n": "utf-8",
    "unicode": "utf-8",
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
_WESTERN, _JAPANESE = "cp1252", "iso2022_jp_ext"
_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
# A run of ISO-2022-JP that says something, as mail programs leave it in headers.
_RUN = re.compile(rb"(?:\x1b(?:\$[@B]|\$\([DO-Q]|\(I)[\x21-\x7e]++)++(\x1b\([BJ]|\Z)?")
# What a charset must leave alone for a header to be read in it: else an address could be written in other bytes.
_ASCII = bytes(range(0x20, 0x7F)) + b"+AGM- ~{!!~} \x1b(J"
_CHARSET_NAME = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,59}")

_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")


def text(data: bytes, charset: str = "") -> str:
    """Decode with the charset named; where that is none, or cannot be meant, as UTF-8 and else as Windows-1252."""
    name = _charset(charset)
    if not name or (name == _WESTERN and not data.isascii()):
        return _guessed(data)  # what is valid UTF-8 was never meant as Windows-1252
    try:
        return data.decode(name)
    except LookupError:
        return _guessed(data)
    except UnicodeError:
        return _mended(data, name)


def known(charset: str) -> bool:
    """Say whether there is such a charset; a text that names none needs none."""
    if charset.strip().strip("\"'").lower() in _UNDECLARED:
        return True
    try:
        b"a".decode(_charset(charset) or "unknown")
    except LookupError:
        return False
    except UnicodeError:
        return True
    return True


def unlabelled(data: bytes, charset: str) -> str:
    """Decode a header's own bytes: UTF-8 if they are, else the charset the mail's text is in, else Windows-1252.

    What is ASCII stays as it is, stray escapes too, so that who wrote is judged by the bytes that other servers saw.
    """
    try:
        return _RUN.sub(_run, data).decode()
    except UnicodeDecodeError:
        return text(data, charset if _leaves_ascii(charset) else _WESTERN)


def _run(found: re.Match[bytes]) -> bytes:
    try:
        return found[0] if found[1] is None else found[0].decode(_JAPANESE).encode()
    except UnicodeDecodeError:
        return found[0]


def _leaves_ascii(charset: str) -> bool:
    try:
        return _ASCII.decode(_charset(charset) or _WESTERN) == _ASCII.decode()
    except (LookupError, UnicodeError):
        return False


def _mended(data: bytes, name: str) -> str:
    """Read what is not in the charset it names: whole in another if most of it is wrong, else with marks."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        read = data.decode(name, "replace")
    wrong = read.count("\N{REPLACEMENT CHARACTER}")
    right = sum(1 for character in read if not character.isascii()) - wrong
    return read if wrong <= right else _guessed(data)


def _charset(given: str) -> str:
    name = given.strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    if name in _UNDECLARED or not _CHARSET_NAME.fullmatch(name):
        return ""
    return "" if _PUNCTUATION.sub("_", name).strip("_") in _REFUSED else name


def _guessed(data: bytes) -> str:
    """Read what says nothing of itself: UTF-8, or the escapes of ISO-2022-JP, or Windows-1252."""
    try:
        return data.decode(_JAPANESE if any(escape in data for escape in _ESCAPES) else "utf-8")
    except UnicodeDecodeError:
        return data.decode(_WESTERN, "replace") if len(data) < MAX_TEXT else data.decode("latin-1")


def transfer(data: bytes | memoryview, encoding: str, limit: int = MAX_TEXT) -> bytes:
    """Undo a transfer encoding, giving at most `limit` bytes and reading no more than they need. Never raises."""
    if encoding == "base64":
        return unbase64(bytes(data[: REACH[encoding] * limit]))[:limit]
    if encoding == "quoted-printable":
        return quopri.decodestring(bytes(data[: REACH[encoding] * limit]))[:limit]
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
