"""Mails a little or very much off: what a mutation takes from a mail, another mail and chance, always the same."""

import random
import re

_JUNK = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\r\n",
    b"\n\n",
    b"--",
    b'"',
    b"(",
    b"<>",
    b"=?",
    b"?=",
    b"\xed\xa0\x80",
    b":;",
    b"*0*=",
    b"\r",
    b"\xc2\x85",
    b"\xe2\x80\xae",
    b"@",
    b"=?utf-8?b?",
    b"%00",
    b"&#",
)
_CHARSETS = (b"utf-7", b"utf-16", b"iso-2022-jp", b"punycode", b"hz", b"zlib", b"cp037", b"x" * 60, b"\xff", b"")
_ENCODINGS = (b"base64", b"quoted-printable", b"x-uuencode", b"8bit", b"BASE64 ", b"gzip")
_TYPES = (
    b"multipart/mixed; boundary=b",
    b"message/rfc822",
    b"text/html",
    b"multipart/report",
    b"message/delivery-status",
)
_HEADERS = (b"From", b"Subject", b"Message-ID", b"Date", b"To", b"References", b"Content-Type", b"Content-Disposition")


def mutated(chance: random.Random, seed: bytes, other: bytes) -> bytes:
    """Return `seed` after one to four changes, some of them with pieces of `other`."""
    data = seed
    for _ in range(chance.randint(1, 4)):
        data = chance.choice((_bytes, _bytes, _digits, _relabelled, _headers, _cut, _wrapped))(chance, data, other)
    return data


def _bytes(chance: random.Random, seed: bytes, other: bytes) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randint(1, 12)):
        at, length = chance.randrange(len(data) + 1), chance.randint(0, 40)
        donor = chance.randrange(len(other) + 1)
        piece = chance.choice(_JUNK) * chance.randint(1, 50) if chance.random() < 0.7 else other[donor : donor + 200]
        data[at : at + length] = piece
    return bytes(data)


def _digits(chance: random.Random, seed: bytes, _other: bytes) -> bytes:
    """Change numbers: dates that never were, sizes and codes that are none."""
    return re.sub(rb"\d", lambda found: b"%d" % chance.randrange(10) if chance.random() < 0.3 else found[0], seed)


def _relabelled(chance: random.Random, seed: bytes, _other: bytes) -> bytes:
    label, words = chance.choice(
        (
            (rb"(?i)(charset=)\"?[^\s;\"]*\"?", _CHARSETS),
            (rb"(?i)(content-transfer-encoding:\s*)\S*", _ENCODINGS),
            (rb"(?i)(content-type:\s*)[^\r\n]*", _TYPES),
        )
    )
    return re.sub(label, lambda found: found[1] + chance.choice(words), seed)


def _headers(chance: random.Random, seed: bytes, other: bytes) -> bytes:
    """Take a header out, double it, or give it the value of another mail's or one without end."""
    name = chance.choice(_HEADERS)
    theirs = re.search(rb"(?im)^" + name + rb":.*$", other)
    values = (b"", name + b": " + chance.choice(_JUNK) * 400, theirs[0] if theirs else b"")
    line = chance.choice(values)
    if chance.random() < 0.5:
        return line.rstrip(b"\r") + b"\r\n" + seed if line else seed
    return re.sub(rb"(?im)^" + name + rb":.*$", lambda _: line, seed, count=1)


def _cut(chance: random.Random, seed: bytes, other: bytes) -> bytes:
    return seed[: chance.randrange(len(seed) + 1)] + (other if chance.random() < 0.3 else b"")


def _wrapped(chance: random.Random, seed: bytes, other: bytes) -> bytes:
    """Put the mail into another one, some levels deep, as a part or as an attached mail."""
    kind = chance.choice((b"message/rfc822", b"multipart/mixed; boundary=w", b"text/html", b"multipart/alternative"))
    head = other.partition(b"\r\n\r\n")[0] + b"\r\nContent-Type: multipart/mixed; boundary=w\r\n\r\n"
    opened = (b"--w\r\nContent-Type: " + kind + b"\r\n\r\n") * chance.choice((1, 2, 35))
    return head + opened + seed + chance.choice((b"\r\n--w--", b"", b"\r\n--w\r\n"))
