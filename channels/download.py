"""Bounded HTTP to addresses that came from outside: media of a message, upload and answer addresses.

A payload names the address, so nothing about it is believed: the host must be on the caller's list, the scheme https,
the IP address public and resolved once, every redirect is checked again, and credentials stay with the host they were
meant for. The one exception is a host written with its port, `127.0.0.1:9000`: only settings can name it, so it may be
private or plain.
"""

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import TypedDict
from urllib.parse import SplitResult, urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from channels.errors import TryLater, Unclear, Undeliverable

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 3
_CHUNK = 64 * 1024
LONGEST_RETRY_AFTER = 3600.0
_PORTS = {"http": 80, "https": 443}
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
# Whatever a connection or a strange answer on it raises.
_BROKEN = (urllib3.exceptions.HTTPError, HTTPException, OSError)
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,4096}")

# Python before 3.11.10 and 3.12.4 calls parts of the first range global (CVE-2024-4032), and it holds a cloud's
# metadata service; the others carry an IPv4 address inside, which a gateway would unpack.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where one hop goes: already checked, with the address to connect to."""

    scheme: str
    host: str
    port: int
    address: str
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)


class _Tls(TypedDict):
    cert_reqs: int
    server_hostname: str
    assert_hostname: str


def own_host(base_url: str) -> str:
    """Return a configured base URL's host as an entry for `hosts`: with its port unless it is plain https on 443."""
    parts = urlsplit(base_url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("The address of an API must begin with https:// (or http:// for a stand-in).")
    if parts.scheme == "https" and parts.port in (None, _PORTS["https"]):
        return parts.hostname
    return f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"


def download(url: str, *, headers: Mapping[str, str], hosts: Sequence[str], limit: int, timeout: float) -> bytes:
    """Get at most `limit` bytes within `timeout` seconds from a host on the list.

    `hosts` are names (`files.slack.com`), suffixes (`.twiliocdn.com`) or configured `host:port` pairs; `headers` may
    hold credentials. Raises `TryLater` or `Undeliverable`; asking again does no harm.
    """
    deadline = time.monotonic() + timeout
    first = target = _check(url, hosts)
    for _ in range(_MAX_REDIRECTS + 1):
        sent = headers if target.origin == first.origin else {}
        response = _get(target, sent, max(0.1, deadline - time.monotonic()))
        try:
            if response.status not in _REDIRECTS:
                return _body(response, limit, deadline)
            url = _next(url, response.headers.get("location", ""))
        finally:
            response.close()
        target = _check(url, hosts)
    raise Undeliverable("The file's address redirects too often.", code="too_many_redirects")


def _next(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _refused("it redirects to what is no address") from error


def post(url: str, body: bytes, *, headers: Mapping[str, str], hosts: Sequence[str], timeout: float) -> None:
    """Post `body` once to a host on the list; a redirect is refused.

    The answer's head must be here within `timeout` seconds of the start, however slowly the peer takes or gives bytes.
    Raises a `SendError`.
    """
    deadline = time.monotonic() + timeout
    target = _check(url, hosts)
    with closing(_connected(target, deadline)) as connection, _cut_at(deadline, connection):
        response = _posted(connection, target.path, body, _headers(target, headers))
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unclear(f"The other side answered {response.status}.")
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        raise _status_error(response)


def _connected(target: _Target, deadline: float) -> HTTPConnection:
    connection = _connection(target, max(0.1, (deadline - time.monotonic()) / 2))
    try:
        connection.connect()
    except _BROKEN as error:
        connection.close()
        raise TryLater("The other side could not be reached.") from error
    connection.timeout = max(0.1, deadline - time.monotonic())
    return connection


def _connection(target: _Target, timeout: float) -> HTTPConnection:
    # The timeout holds for connecting, then once more for TLS.
    if target.scheme == "http":
        return HTTPConnection(target.address, target.port, timeout=timeout)
    return HTTPSConnection(target.address, target.port, timeout=timeout, **_tls(target))


@contextmanager
def _cut_at(deadline: float, connection: HTTPConnection) -> Iterator[None]:
    """Cut the connection at the deadline: a socket's own timeout begins anew with every byte."""
    watch = threading.Timer(deadline - time.monotonic(), _cut, (connection.sock,))
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):
        # The plain socket's: TLS's own would have the other thread write on without it.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _posted(connection: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> urllib3.HTTPResponse:
    try:
        # A peer may refuse and hang up before it has taken all; its answer is what counts.
        with suppress(BrokenPipeError):
            connection.request("POST", path, body=body, headers=headers, preload_content=False)
        response = connection.getresponse()
        response.close()
    except _BROKEN as error:
        raise Unclear("The connection broke before an answer came.") from error
    return response


def _check(url: str, hosts: Sequence[str]) -> _Target:
    parts = _split(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    configured = f"{host}:{port}" in hosts
    if not configured and ((parts.scheme, port) != ("https", _PORTS["https"]) or not _named(host, hosts)):
        raise _refused("it is not on the list of hosts")
    address = host if configured else _public_address(host, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(parts.scheme, host, port, address, path)


def _split(url: str) -> SplitResult:
    # No white space, control or other invisible character: parsers differ over what they do with them.
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise _refused("it is not written as an address")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise _refused("it is not written as an address") from error
    if parts.scheme not in _PORTS or "@" in parts.netloc:
        raise _refused("its form is not allowed")
    return parts


def _named(host: str, hosts: Sequence[str]) -> bool:
    if not _HOST_NAME.fullmatch(host):
        return False
    return any(host.endswith(entry) if entry.startswith(".") else host == entry for entry in hosts)


def _public_address(host: str, port: int) -> str:
    """Resolve once; what is returned is what is connected to, so a name cannot change its mind in between."""
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError as error:
        raise _refused("it is not written as an address") from error
    except OSError as error:
        raise TryLater("The file's host could not be looked up.") from error
    if not found or not all(is_public(address) for address in found):
        raise _refused("it leads into a private network")
    return found[0]


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet's, and carries no other address inside."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NEVER)


def _refused(reason: str) -> Undeliverable:
    return Undeliverable(f"The address was refused: {reason}.", code="refused_address")


def _pool(target: _Target, timeout: float) -> urllib3.HTTPConnectionPool:
    patience = urllib3.Timeout(connect=timeout, read=timeout)
    if target.scheme == "http":
        return urllib3.HTTPConnectionPool(target.address, target.port, timeout=patience)
    return urllib3.HTTPSConnectionPool(target.address, target.port, timeout=patience, **_tls(target))


def _tls(target: _Target) -> _Tls:
    return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": target.host, "assert_hostname": target.host}


def _headers(target: _Target, headers: Mapping[str, str]) -> dict[str, str]:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port == _PORTS[target.scheme]
    return {**headers, "Host": host if usual else f"{host}:{target.port}", "Accept-Encoding": "identity"}


def _get(target: _Target, headers: Mapping[str, str], timeout: float) -> urllib3.BaseHTTPResponse:
    try:
        return _pool(target, timeout).urlopen(
            "GET",
            target.path,
            headers=_headers(target, headers),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TryLater("The file could not be fetched.") from error


def _body(response: urllib3.BaseHTTPResponse, limit: int, deadline: float) -> bytes:
    if response.status != HTTPStatus.OK:
        raise _status_error(response)
    if _announced(response) > limit:
        raise _too_large(limit)
    try:
        return _read(response, limit, deadline)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TryLater("The file could not be fetched to its end.") from error


def _announced(response: urllib3.BaseHTTPResponse) -> int:
    length = response.headers.get("content-length", "")
    return int(length) if re.fullmatch("[0-9]{1,18}", length) else 0


def _read(response: urllib3.BaseHTTPResponse, limit: int, deadline: float) -> bytes:
    body = bytearray()
    # read1 returns what is there, so that a peer which trickles bytes meets the deadline.
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
        if time.monotonic() > deadline:
            raise TryLater("The file came too slowly.")
    if _announced(response) > len(body):
        raise TryLater("The file ended early.")
    return bytes(body)


def _too_large(limit: int) -> Undeliverable:
    return Undeliverable(f"The file is larger than {limit} bytes.", code="too_large")


def _status_error(response: urllib3.BaseHTTPResponse) -> TryLater | Undeliverable:
    status = response.status
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TryLater(f"The other side answered {status}.", retry_after=seconds(response.headers.get("retry-after")))
    return Undeliverable(f"The other side answered {status}.", code=f"http_{status}")


def seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header in seconds, an hour at most; the form with a date, which no provider uses, is none."""
    given = retry_after.strip() if retry_after else ""
    return min(float(given), LONGEST_RETRY_AFTER) if re.fullmatch("[0-9]{1,6}", given) else None
