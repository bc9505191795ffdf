"""What the settings say about mailboxes to fetch from, read and checked before anything is connected."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from channels.email import address
from channels.email.oauth import OAuthApp, client_from_environment

_PORTS = {"imaps": 993, "imap": 143}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_OPTIONS = {"starttls", "tls", "then", "address"}
_PLAIN_TEXT = "insecure-plain-text"
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
# IMAP sends the user unquoted, and takes nothing outside ASCII in LOGIN.
_USER = re.compile(r"[!#$&'+,./0-9:;<=>?@A-Z\[^_`a-z|}~-]{1,255}")
# A keyword of the mailbox; the flags with a backslash are people's, but for the star.
_FLAG = re.compile(r"[$A-Za-z0-9_.-]{1,60}|\\Flagged")


class Security(StrEnum):
    """How a connection is kept from others' eyes."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN_TEXT = "plain text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """What happens to a mail once it is stored: it is moved to a folder, or flagged, or nothing."""

    move_to: str = ""
    flag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One mailbox. The password is in no text of this object."""

    name: str
    host: str
    port: int
    security: Security
    user: str
    address: str
    folder: str = "INBOX"
    then: Then = Then()
    password: str = field(default="", repr=False)
    oauth: OAuthApp | None = None
    context: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Return the folder on its server, in words that change when it becomes another one."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder}"


def accounts_from(environment: Mapping[str, str]) -> tuple[Account, ...]:
    """Read the mailboxes that `IMAP_MAILBOXES` names. Raises `ValueError`, which names the setting and no secret."""
    names = dict.fromkeys(environment.get("IMAP_MAILBOXES", "").replace(",", " ").lower().split())
    accounts = tuple(_account(name, environment) for name in names)
    if len({each.place for each in accounts}) < len(accounts):
        raise ValueError("IMAP_MAILBOXES names one folder of one account twice")
    return accounts


def _account(name: str, environment: Mapping[str, str]) -> Account:
    if not _NAME.fullmatch(name):
        raise ValueError(f"IMAP_MAILBOXES: {name!r} is no name of letters, digits and _, beginning with a letter")
    setting = f"IMAP_{name.upper()}"
    parts, options = _url(f"{setting}_URL", environment.get(f"{setting}_URL", ""))
    user = _checked(f"{setting}_URL", unquote(parts.username or ""))
    if not _USER.fullmatch(user):
        raise ValueError(f"{setting}_URL needs a user before the @, in ASCII, written like user%40example.com")
    password, oauth = _credentials(setting, environment)
    return Account(
        name=name,
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        security=_security(f"{setting}_URL", parts.scheme, options),
        user=user,
        address=_address(f"{setting}_URL", options.get("address", user)),
        folder=_checked(f"{setting}_URL", unquote(parts.path.removeprefix("/"))) or "INBOX",
        then=_then(f"{setting}_URL", options.get("then", "")),
        password=password,
        oauth=oauth,
    )


def _url(setting: str, text: str) -> tuple[SplitResult, dict[str, str]]:
    _checked(setting, text)
    try:
        parts = urlsplit(text)
        options = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        readable = parts.port != 0 and bool(parts.hostname)
    except ValueError:
        readable = False
    if not readable or parts.scheme not in _PORTS:
        raise ValueError(f"{setting} must be set, as in imaps://user%40example.com@imap.example.com/INBOX")
    if parts.password is not None:
        raise ValueError(f"{setting} must not hold the password: it goes to {setting.removesuffix('URL')}PASSWORD")
    if parts.fragment or set(options) - _OPTIONS:
        raise ValueError(f"{setting} may have {', '.join(sorted(_OPTIONS))} behind the ?, and nothing else")
    return parts, options


def _security(setting: str, scheme: str, options: Mapping[str, str]) -> Security:
    asked = {name: options[name] for name in ("starttls", "tls") if name in options}
    if scheme == "imaps" and not asked:
        return Security.TLS
    if scheme == "imap" and asked in ({}, {"starttls": "required"}):
        return Security.STARTTLS
    if scheme == "imap" and asked == {"tls": _PLAIN_TEXT}:
        return Security.PLAIN_TEXT
    raise ValueError(f"{setting} is imaps://…, imap://…?starttls=required, or in the clear imap://…?tls={_PLAIN_TEXT}")


def _address(setting: str, text: str) -> str:
    try:
        return address.mailbox_of(address.normalise(text))
    except ValueError:
        raise ValueError(f"{setting}: the user is no mail address, so say which it is with ?address=") from None


def _then(setting: str, text: str) -> Then:
    kind, _, value = text.partition(":")
    if not text:
        return Then()
    if kind == "move" and _checked(setting, value):
        return Then(move_to=value)
    if kind == "flag" and _FLAG.fullmatch(value):
        return Then(flag=value)
    raise ValueError(f"{setting}: ?then= is move:<folder>, or flag:<keyword>, such as flag:Frontdesk")


def _credentials(setting: str, environment: Mapping[str, str]) -> tuple[str, OAuthApp | None]:
    password = environment.get(f"{setting}_PASSWORD", "")
    oauth = client_from_environment(setting, environment)
    if bool(password) == bool(oauth):
        raise ValueError(f"set either {setting}_PASSWORD or {setting}_OAUTH")
    if not password.isascii() or _CONTROLS.search(password):
        raise ValueError(f"{setting}_PASSWORD has characters that IMAP does not take: use ASCII")
    return password, oauth


def _checked(setting: str, text: str) -> str:
    """Return text that goes into a command; a line end in it would begin another one."""
    if _CONTROLS.search(text):
        raise ValueError(f"{setting} holds control characters")
    return text
