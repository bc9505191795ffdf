"""Status codes in what a mail system wrote: its own, else from the SMTP reply, else from how it is put (RFC 3463)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from channels.base import clean_line
from channels.email import decode
from channels.email.bounces import words

# A single digit in the middle tells a code from an address of a host or a version.
_ENHANCED = re.compile(r"(?<![\w.])([245])\.([0-7])\.(\d{1,3})(?!\d|\.\d)")
_REPLY = re.compile(
    r"(?<![\w.,:/-])(4(?:2[12]|3[0-2]|[57]\d)|5(?:0[0-4]|1[0-3]|2[1-9]|3[0-9]|41|5\d|7\d))(?=[ -]\S|:|$|[.,]\s)"
)
# Of RFC 3463: there is no such mailbox or domain, or it never took mail.
BAD_ADDRESS = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"))
_ADDRESS = re.compile(r"<?[^\s<>@]{1,100}@[^\s<>@]{1,255}>?")
# What a reply means where nothing else says why (RFC 5321, 4.2.3).
_OF_REPLY = {"421": "4.2", "431": "3.1", "450": "2.0", "451": "3.0", "452": "2.2", "551": "1.6", "552": "2.2"}
_UNSAID = ".0.0"
_MAX_LINES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A code with the line that says why."""

    code: str
    detail: str


def explicit(text: str) -> str:
    """Return the first enhanced code of a failure that says why, else the first there is, else an empty text."""
    codes = [match[0] for match in _ENHANCED.finditer(text)]
    return next((code for code in codes if code[0] != "2" and not code.endswith(_UNSAID)), next(iter(codes), ""))


def of_text(*texts: str, delayed: bool = False) -> Status:
    """Return what the first text that gives a reason says of a failure; a delay is of class 4 unless it says so."""
    found = [_of_text(text, delayed=delayed) for text in texts]
    saying = (each for each in found if not each.code.endswith(_UNSAID))
    return next(saying, next((each for each in found if each.detail), found[0]))


def _of_text(text: str, *, delayed: bool) -> Status:
    lines = [line.strip() for line in text.split("\n", _MAX_LINES)[:_MAX_LINES] if line.strip()]
    said = next((line for line in lines if explicit(line)[:1] in ("4", "5")), "")
    if said:
        return Status(code=explicit(text), detail=detail(said))
    reply, replied = _reply(lines)
    reason = words.reason(words.plain(replied)) or words.reason(words.plain(text))
    severity = reply[:1] or ("4" if delayed else "5")
    code = f"{severity}.{reason or _OF_REPLY.get(reply, '0.0')}"
    return Status(code=code, detail=detail(replied or _telling(lines)))


def _reply(lines: list[str]) -> tuple[str, str]:
    """Return the first SMTP reply of a failure with its line."""
    found = ((match[1], line[match.start() :]) for line, match in _replies(lines))
    return next(found, ("", ""))


def _replies(lines: list[str]) -> Iterator[tuple[str, re.Match[str]]]:
    for line in lines:
        match = _REPLY.search(line[:1000])
        if match:
            yield line, match


def _telling(lines: list[str]) -> str:
    """Return the line that gives the reason, else the first that is a sentence."""
    reasons = (line for line in lines if words.reason(words.plain(line)))
    return next(reasons, next((line for line in lines if len(line.split()) > 2), ""))  # noqa: PLR2004


def detail(text: str) -> str:
    """Return why, on one line, without addresses."""
    return clean_line(without_addresses(decode.line(text[:1000], 1000)), 200)


def without_addresses(said: str) -> str:
    """Return a server's words without the addresses in them, which agents and logs need not see."""
    return _ADDRESS.sub("…", said)
