"""Whom a mail did not reach, as far as a text says it: the surest way to say it first."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from channels.email import address
from channels.email.bounces.notice import Notice

_MAX_FOUND = 20
_ADDRESS = r"([^\s<>()\[\]\",;:@\\=|'&]{1,64}+@[a-z0-9](?:[a-z0-9-]{0,62}+\.?+){1,20}+)"
_ANY = re.compile(_ADDRESS, re.IGNORECASE)


def _of(before: str, after: str = "") -> re.Pattern[str]:
    return re.compile(f"{before}{_ADDRESS}{after}", re.IGNORECASE | re.MULTILINE)


# `Final-Recipient: rfc822; a@x`, `Recipient: [SMTP:a@x]`, `"emailAddress":"a@x"`
_FIELD = _of(
    r"^[ \t>*|-]{0,9}(?:final-recipient|original-recipient|x-actual-recipient|(?:failed |invalid |bad )?recipients?"
    r"(?: address)?|failed address|e-?mail address|intended recipient)[ \t]*:[ \t]*(?:rfc822[ \t]*;)?[ \t]*"
    r"(?:\[smtp:|<|mailto:)?"
)
_JSON = _of(r'"emailaddress"\s?:\s?"')
# A line that is an address, or begins with one: in brackets, behind a bullet, before a colon or dots.
_LISTED = _of(
    r"^[ \t]{0,40}(?:[*•·>-]{1,3}[ \t]{1,8})?(?:smtp:|mailto:|rfc822;[ \t]?)?['\"(]?<?",
    r"(?=>?(?:<mailto:[^>\n]{1,320}>)?['\")]?[ \t]{0,40}(?:$|:|;|\.\.\.|\(|-|on |,|\[|<|failed|=))",
)
_COMMAND = _of(r"RCPT TO: ?<")
_SAID = _of(
    r"\b(?:to|for|recipients?|address|addresses|user|mailbox|account|an|à|a|para|de|aan|till|til|do|на|для)"
    r"(?=[\s:<'\"(])[ \t:]{0,4}+\n?+[ \t]{0,16}+['\"(]?+<?+(?:smtp:|mailto:)?+"
)
_REPLIED = re.compile(r"^.{0,200}(?<![\w.])[45]\d\d[ -].{0,400}$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An address, by which rule, what the notice says from there to the next one, and all that the rule found."""

    address: str
    rule: str
    text: str
    addresses: tuple[str, ...]


def find(notice: Notice) -> Found | None:
    """Return the first address of the first rule that finds any."""
    others = _others(notice)
    for name, rule in _RULES:
        places = list(_failed(rule(notice), others))
        if places:
            addresses = tuple(given for given, _ in places)
            return Found(address=addresses[0], rule=name, text=_said(notice, places), addresses=addresses)
    return None


def _failed(found: Iterator[tuple[str, int]], others: frozenset[str]) -> Iterator[tuple[str, int]]:
    for given, at in islice(found, _MAX_FOUND):
        plain = given.strip(".'-").lower()
        if plain not in others and plain.partition("@")[0] not in {"postmaster", "mailer-daemon"}:
            yield given.strip(".'-"), at


def _others(notice: Notice) -> frozenset[str]:
    """Return who is named without being the one who failed: the mail system, and we."""
    named = (mailbox.address for field in ("from", "to") for mailbox in address.mailboxes(notice.headers.first(field)))
    return frozenset(named)


def _said(notice: Notice, places: list[tuple[str, int]]) -> str:
    """Return the text about the first address, or all of it where it says nothing before the next one."""
    first, at = places[0]
    if at < 0:
        return notice.text
    end = next((other for given, other in places[1:] if other > at and given != first), len(notice.text))
    said = notice.text[notice.text.rfind("\n", 0, at) + 1 : end]
    return said if len(said.split()) > 2 else notice.text  # noqa: PLR2004 - the address alone says nothing


def _matches(pattern: re.Pattern[str]) -> Callable[[Notice], Iterator[tuple[str, int]]]:
    def matches(notice: Notice) -> Iterator[tuple[str, int]]:
        return ((match[1], match.start()) for match in pattern.finditer(notice.text))

    return matches


def _failed_header(notice: Notice) -> Iterator[tuple[str, int]]:
    named = ",".join(notice.headers.all("x-failed-recipients")[:10])[: 16 * 1024]
    return ((mailbox.address, notice.text.find(mailbox.address)) for mailbox in address.mailboxes(named))


def _replied(notice: Notice) -> Iterator[tuple[str, int]]:
    lines = _REPLIED.finditer(notice.text)
    return ((match[1], line.start()) for line in lines for match in _ANY.finditer(line[0]))


def _returned(notice: Notice) -> Iterator[tuple[str, int]]:
    """Return whom the mail that came back was for."""
    found = notice.returned_headers()
    values = (found.first(name)[:4096] for name in ("x-failed-recipients", "x-envelope-to", "to"))
    return ((mailbox.address, -1) for value in values for mailbox in address.mailboxes(value))


_RULES: tuple[tuple[str, Callable[[Notice], Iterator[tuple[str, int]]]], ...] = (
    ("failed_header", _failed_header),
    ("field", _matches(_FIELD)),
    ("json", _matches(_JSON)),
    ("listed", _matches(_LISTED)),
    ("command", _matches(_COMMAND)),
    ("replied", _replied),
    ("said", _matches(_SAID)),
    ("named", _matches(_ANY)),
    ("returned", _returned),
)
