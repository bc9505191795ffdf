"""Mail addresses: reading them out of headers and bringing them into one normal form.

Two spellings become one value only where every mail system agrees that they are one: the domain's case, and the ASCII
case of the local part. Nothing else is folded, so that no look-alike can take another person's place.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from channels.base import ExternalId
from channels.email import decode

MAX_LENGTH = 320
MAX_MAILBOXES = 100

_BLANKS = " \t\r\n"
_ASCII_LOWER = {ord(upper): upper.lower() for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_LOCAL = re.compile(r"""[^\s\x00-\x20\x7f-\xa0()<>\[\]:;@\\,"]+|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*+\"""")
_DOMAIN = re.compile(
    r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*|\[[0-9a-f.:]{2,45}\]|\[ipv6:[0-9a-f.:]{2,45}\]"
)
# Nothing is seen of them: format characters, separators, fillers, variation selectors.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp", "Zs"))
_FILLERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u3164\ufe00-\ufe0f\uffa0]")
_SIMPLE_QUOTED = re.compile(r'"([A-Za-z0-9!#$%&\'*+/=?^_`{|}~.-]+)"')
# An encoded word is one piece, whatever its writer left unencoded in it.
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*+"?|\\.|=\?[^?\s<>]{1,60}\?[bq]\?[^?\s<>]{0,1000}\?=|(?:(?!=\?)[^"\\()<>,:;])++|.',
    re.DOTALL | re.IGNORECASE,
)
_QUOTING = re.compile(r"\\(.)|\"", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One address of a header, normalised, with the name that stood beside it.

    `shown` has the domain as it was written, where the normal form is ASCII that nobody can read.
    """

    address: str
    name: str = ""
    shown: str = ""


def external_id(text: str) -> ExternalId:
    """Return the outside name for an address; raise `ValueError` when it is none."""
    return ExternalId(type="email", value=normalise(text))


def normalise(text: str) -> str:
    """Return an address in normal form; raise `ValueError` when it is none."""
    if len(text) > MAX_LENGTH:
        raise ValueError("too long for a mail address")
    local, at, domain = text.strip(_BLANKS).rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or not _seen(local):
        raise ValueError("not a mail address")
    return f"{_local(local)}@{_domain(domain)}"


def _seen(local: str) -> bool:
    """Say whether every character shows, a quoted space among them: what does not makes two addresses look like one."""
    hidden = (unicodedata.category(character) in _UNSEEN for character in local.replace(" ", ""))
    return local.isascii() or not (any(hidden) or _FILLERS.search(local))


def _local(local: str) -> str:
    simple = _SIMPLE_QUOTED.fullmatch(local)
    return (simple[1] if simple else local).translate(_ASCII_LOWER)


def _domain(domain: str) -> str:
    labels = unicodedata.normalize("NFC", domain).lower().removesuffix(".").split(".")
    name = ".".join(_label(label) for label in labels)
    if not _DOMAIN.fullmatch(name):
        raise ValueError("not a mail domain")
    return name


def _label(label: str) -> str:
    """Return the ASCII form as in IDNA 2008; Python's own codec is 2003 and takes `ß` for `ss`, another domain."""
    if label.isascii():
        return label
    if not all(character.isascii() or unicodedata.category(character)[0] in "LMN" for character in label):
        raise ValueError("not a mail domain")
    return "xn--" + label.encode("punycode").decode("ascii")


def mailbox_of(address: str) -> str:
    """Return an address without its `+tag`."""
    local, _, domain = address.rpartition("@")
    base = local.partition("+")[0]
    return f"{base}@{domain}" if base else address


def plus_part(address: str) -> str:
    """Return the tag of an address, without the plus."""
    return address.rpartition("@")[0].partition("+")[2]


def with_tag(address: str, tag: str) -> str:
    """Return `address` with a `+tag`."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{tag}@{domain}"


def domain_of(address: str) -> str:
    """Return what stands after the at sign."""
    return address.rpartition("@")[2]


def sole_mailbox(value: str) -> Mailbox | None:
    """Return the mailbox of a header that must hold exactly one and no group, else `None`.

    Words before a comma are taken for the rest of an unquoted name (`Doe, Jane <jane@…>`), unless they hold an address.
    """
    *before, last = list(_entries(value)) or [_Entry()]
    if last.group or (before and last.angle is None) or not all(entry.only_words() for entry in before):
        return None
    mailbox = last.mailbox()
    if mailbox is None or not before:
        return mailbox
    name = ", ".join(entry.words.strip() for entry in before) + ", " + mailbox.name
    return replace(mailbox, name=_display(name))


def mailboxes(value: str) -> tuple[Mailbox, ...]:
    """Return the mailboxes of a header that may hold many, groups opened, unreadable ones left out."""
    found = (entry.mailbox() for entry in _entries(value))
    return tuple(mailbox for mailbox in found if mailbox)


@dataclass(slots=True)
class _Entry:
    """What stood between two commas: words outside angle brackets, what stood inside, comments."""

    words: str = ""
    angle: str | None = None
    after: str = ""
    comment: str = ""
    group: bool = False
    broken: bool = False

    def empty(self) -> bool:
        return self.angle is None and not self.words.strip() and not self.broken

    def only_words(self) -> bool:
        return self.angle is None and "@" not in self.words and not (self.group or self.broken)

    def mailbox(self) -> Mailbox | None:
        if self.broken or self.after.strip():
            return None
        spec = self.words if self.angle is None else self.angle
        name = self.comment if self.angle is None else self.words or self.comment
        written = _without_route(spec).strip(_BLANKS)
        try:
            normal = normalise(written)
        except ValueError:
            return None
        shown = f"{normal.rpartition('@')[0]}@{decode.line(domain_of(written)).lower()}"
        return Mailbox(address=normal, name=_display(name), shown=shown)


def _without_route(spec: str) -> str:
    spec = spec.strip(_BLANKS)
    return spec.partition(":")[2] if spec.startswith("@") else spec


def _display(name: str) -> str:
    plain = _QUOTING.sub(r"\1", name) if '"' in name else name
    return decode.line(plain).strip("'\" ")


def _entries(value: str) -> Iterator[_Entry]:
    """Cut a header into entries in one pass, at most `MAX_MAILBOXES` of them."""
    entry, depth, given, group = _Entry(), 0, 0, False
    for piece in (match[0] for match in _TOKEN.finditer(value)):
        if depth or piece in "()":
            depth = _comment(entry, piece, depth)
        elif piece in ",;" or (piece == ":" and entry.angle is None):
            group = piece == ":" or (group and piece == ",")
            if piece != ":" and not entry.empty():
                yield entry
                given += 1
            entry = _Entry(group=group)
        else:
            _word(entry, piece)
        if given >= MAX_MAILBOXES:
            return
    entry.broken = entry.broken or depth > 0
    if not entry.empty():
        yield entry


def _comment(entry: _Entry, piece: str, depth: int) -> int:
    if piece == "(":
        return depth + 1
    if piece == ")":
        entry.broken = entry.broken or depth == 0
        return max(0, depth - 1)
    entry.comment += piece
    return depth


def _word(entry: _Entry, piece: str) -> None:
    if piece == "<":
        entry.broken = entry.broken or entry.angle is not None
        entry.angle = ""
    elif piece == ">":
        entry.broken = entry.broken or entry.angle is None
        entry.after = " "
    elif entry.angle is None:
        entry.words += piece
    elif entry.after:
        entry.after += piece
    else:
        entry.angle += piece
