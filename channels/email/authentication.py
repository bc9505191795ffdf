"""What the mail server in front says of a mail's sender: its Authentication-Results header (RFC 8601).

Anybody can write that header, so only one from a server named in `TRUSTED_AUTHSERV_ID` is read, and good is believed of
the topmost alone: servers add above what came, so what a sender wrote stands further down. It holds as long as that
server adds one to every mail or takes away those that came under its name (RFC 8601, 5); which of the two is the
operator's part. That DMARC failed is believed of each, since a server may write several, and no forger says it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from channels.base import Verdict
from channels.email import address
from channels.email.headers import Headers

_MAX_VALUE = 16384
_MAX_RESULTS = 50
# "bestguesspass" is of Exchange: there is no policy, and it would be met.
_KNOWN = {each.value: each for each in Verdict if each} | {"bestguesspass": Verdict.PASS}
# What each method vouches for that can be compared with From, best first.
_VOUCHED = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom", "smtp.mail")}
_TOKEN = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*+)"|\\.|[();"]|[^"\\();]+|\\', re.DOTALL)
_IN_COMMENT = re.compile(r"\\.|[()]|[^\\()]+|\\", re.DOTALL)
_QUOTING = str.maketrans('()"\\', "    ")
_MEANINGFUL = re.compile(r"[\s=;]")
_ID = re.compile(r"[^\s,;=\"()]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one method came to; `properties` are what it looked at, by `header.from` and the like."""

    method: str
    result: Verdict
    properties: Mapping[str, str] = field(default_factory=dict)


def trusted_ids(setting: str) -> frozenset[str]:
    """Return the servers that `TRUSTED_AUTHSERV_ID` names, one or more. Raises `ValueError` for what is no name."""
    names = setting.replace(",", " ").lower().split()
    if not all(_ID.fullmatch(name) for name in names):
        raise ValueError("TRUSTED_AUTHSERV_ID is the name, or names, that your mail server puts first in the header")
    return frozenset(names)


def verdict(headers: Headers, trusted: Collection[str], sender: str) -> Verdict:
    """Return what the trusted server says of a mail from `sender`: `pass`, `fail`, `none` or an error's name.

    Empty when no trusted server said anything, which is no reason to doubt anybody.
    """
    domain = address.domain_of(sender)
    found = (read(value) for value in headers.all("authentication-results"))
    believed = [results for server, results in found if server in trusted]
    if any(each.method == "dmarc" and each.result is Verdict.FAIL for results in believed for each in results):
        return Verdict.FAIL
    return _verdict(believed[0], domain) if believed else Verdict.UNKNOWN


def _verdict(results: Collection[Result], domain: str) -> Verdict:
    """Ask DMARC, which alone judges From; without it, a signature or envelope of the same domain speaks for it too.

    Where DMARC passed another domain than From's, the server judged another From than we read.
    """
    judged = [each for each in results if each.method == "dmarc"]
    if any(each.result is Verdict.PASS and not _same(_from(each, domain), domain) for each in judged):
        return Verdict.FAIL
    if judged:
        return min((each.result for each in judged), key=lambda each: each is Verdict.PASS)
    vouched = any(each.result is Verdict.PASS and _vouches(each, domain) for each in results)
    return Verdict.PASS if vouched else Verdict.NONE


def _from(result: Result, domain: str) -> str:
    return result.properties.get("header.from", domain)


def _vouches(result: Result, domain: str) -> bool:
    named = (result.properties.get(name, "") for name in _VOUCHED.get(result.method, ()))
    return _same(next((each for each in named if each), ""), domain)


def _same(named: str, domain: str) -> bool:
    """Say whether a result is about the domain of From, or about the one that this is a part of."""
    other = named.rpartition("@")[2].lower().rstrip(".")
    return bool(other) and (domain == other or domain.endswith("." + other))


def read(value: str) -> tuple[str, tuple[Result, ...]]:
    """Return the server that a header names, in lower case, and its results; what is not of the form is left out."""
    value = value[:_MAX_VALUE]
    clauses, closed = _clauses(value)
    found = [_result(clause) for clause in clauses[1 : _MAX_RESULTS + 1]]
    if not closed:
        # A server may repeat words of the sender unquoted: what they opened must not hide that they failed.
        found = [_result(clause) for clause in value.translate(_QUOTING).split(";")[1 : _MAX_RESULTS + 1]]
        found = [each for each in found if each and each.result is Verdict.FAIL]
    return next(iter(clauses[0].lower().split()), ""), tuple(each for each in found if each)


def _clauses(value: str) -> tuple[list[str], bool]:
    """Cut at semicolons and say whether all was closed that was opened.

    Comments go, and quoted text loses what would mean something outside of quotes.
    """
    clauses, depth, closed, at = [""], 0, True, 0
    while token := (_IN_COMMENT if depth else _TOKEN).match(value, at):
        at = token.end()
        if token[0] in {"(", ")"}:
            depth += 1 if token[0] == "(" else -1
            closed = closed and depth >= 0
            depth = max(0, depth)
            clauses[-1] += " "
        elif not depth:
            closed = closed and token[0] != '"'
            _outside_comments(clauses, token)
    return clauses, closed and not depth


def _outside_comments(clauses: list[str], token: re.Match[str]) -> None:
    if token[0] == ";":
        clauses.append("")
    else:
        clauses[-1] += token[0] if token["quoted"] is None else _MEANINGFUL.sub("_", token["quoted"])


def _result(clause: str) -> Result | None:
    clause = " ".join(clause.split())
    for mark in "=/.":
        clause = clause.replace(f" {mark}", mark).replace(f"{mark} ", mark)
    first, *rest = [word.partition("=") for word in clause.split(" ")]
    if not first[0] or not first[2]:
        return None
    word = first[2].lower()
    return Result(
        method=first[0].partition("/")[0].lower(),
        result=_KNOWN.get(word, Verdict.NONE),
        properties={name.lower(): given for name, _, given in reversed(rest)},
    )
