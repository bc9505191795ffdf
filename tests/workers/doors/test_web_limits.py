"""Bodies made to hurt are refused at once, and the door goes on."""

import gzip
import json
import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.workers.doors.open_doors import (
    COMMANDS,
    EVENTS,
    INTERACTIVITY,
    MESSAGES,
    SLACK,
    STATUS,
    TWILIO,
    Call,
    Doors,
    event,
    genuine,
    slack_call,
    twilio_call,
)
from workers.doors.web import HEAD_TIMEOUT

MEBIBYTE = 1 << 20
AT_ONCE = 1.0


def told_to_expect(doors: Doors, path: str, headers: bytes) -> bytes:
    """Send the head of a call and nothing of its body; return the first line of the answer."""
    url = urlsplit(doors.web)
    with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (path.encode(), headers))
        return connection.makefile("rb").readline()


@pytest.mark.parametrize("path", [*SLACK, *TWILIO])
def test_a_body_that_says_it_is_too_large_is_not_waited_for(doors: Doors, path: str) -> None:
    for size in (MEBIBYTE + 1, 50 * MEBIBYTE, 10**18):
        assert told_to_expect(doors, path, b"Content-Length: %d\r\n" % size).split()[1] == b"413"


@pytest.mark.parametrize("length", [b"-1", b"abc", b"1e3", b"1, 2", b"9" * 5000])
def test_a_length_that_is_none_is_no_error_of_ours(doors: Doors, length: bytes) -> None:
    assert told_to_expect(doors, EVENTS, b"Content-Length: %s\r\n" % length).split()[1] in {b"400", b"413"}


def test_a_caller_who_does_not_finish_the_head_is_hung_up_on_and_one_who_does_is_heard_out(doors: Doors) -> None:
    unfinished = (b"", b"POST /webhooks/slack/events HTTP/1.1\r\nHost: x\r\nX-Slow:")
    with ThreadPoolExecutor(3) as callers:
        heard = callers.submit(answer_to_a_slow_caller, doors)
        waited = list(callers.map(lambda said: seconds_until_hung_up_on(doors, said), unfinished))
    assert all(HEAD_TIMEOUT - 1 < seconds < 2 * HEAD_TIMEOUT for seconds in waited), waited
    assert heard.result() == b"200"


def seconds_until_hung_up_on(doors: Doors, said: bytes) -> float:
    url = urlsplit(doors.web)
    began = time.monotonic()
    with socket.create_connection((url.hostname, url.port), timeout=3 * HEAD_TIMEOUT) as connection:
        connection.sendall(said)
        assert connection.recv(1) == b""
    return time.monotonic() - began


def answer_to_a_slow_caller(doors: Doors) -> bytes:
    """Finish the head in time and the body after it, and return the status."""
    call, url = genuine(MESSAGES), urlsplit(doors.web)
    fields = "".join(f"{name}: {value.decode()}\r\n" for name, value in call.headers)
    began = time.monotonic()
    with socket.create_connection((url.hostname, url.port), timeout=3 * HEAD_TIMEOUT) as connection:
        connection.sendall(f"POST {call.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(call.body)}\r\n".encode())
        nothing_until(connection, began + HEAD_TIMEOUT / 2)
        connection.sendall(f"{fields}\r\n".encode())
        nothing_until(connection, began + HEAD_TIMEOUT + 1)
        connection.sendall(call.body)
        return connection.makefile("rb").readline().split()[1]


def nothing_until(connection: socket.socket, moment: float) -> None:
    assert not select.select([connection], [], [], moment - time.monotonic())[0], "answered or hung up too early"


@pytest.mark.parametrize("path", [EVENTS, MESSAGES])
def test_a_body_that_grows_too_large_is_cut_off(doors: Doors, path: str) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 65_536] * 16
        yield b"x"

    assert doors.http.post(f"{doors.web}{path}", content=pieces()).status_code == 413


@pytest.mark.parametrize("path", [EVENTS, COMMANDS])
def test_the_largest_body_that_is_taken_is_a_mebibyte(doors: Doors, path: str) -> None:
    body = genuine(path).body
    fitting = body + (b" " if path == EVENTS else b"+") * (MEBIBYTE - len(body))
    assert doors.post(slack_call(path, fitting)).status_code == 200
    assert doors.post(slack_call(path, fitting + b" ")).status_code == 413


def bombs() -> Iterator[tuple[str, Call]]:
    fields = "&".join(f"f{number}=" for number in range(100_000)).encode()
    deep = json.dumps(event("EvDeep")).encode().replace(b'"Hello"', b"[" * 10_000 + b"]" * 10_000)
    zipped = gzip.compress(b"0" * (200 * MEBIBYTE), 1)[: MEBIBYTE - 1]
    for path in (INTERACTIVITY, COMMANDS):
        yield f"fields {path}", slack_call(path, fields)
    for path in (MESSAGES, STATUS):
        yield f"fields {path}", twilio_call(path, [(f"f{number}", "") for number in range(100_000)])
    yield "depth", slack_call(EVENTS, deep)
    yield "depth pressed", slack_call(INTERACTIVITY, b"payload=" + b"[" * 10_000 + b"]" * 10_000)
    yield "digits", slack_call(EVENTS, b'{"event_id": ' + b"9" * 500_000 + b"}")
    for path in (EVENTS, COMMANDS):
        yield f"gzip {path}", slack_call(path, zipped).but(("content-encoding", "gzip"))
    yield "gzip text", genuine(MESSAGES).but(("content-encoding", "gzip"), body=zipped)


def test_signed_bombs_are_refused_at_once_and_leave_nothing(doors: Doors) -> None:
    before = doors.count()
    for name, call in bombs():
        began = time.monotonic()
        assert doors.post(call).status_code in {400, 403, 413}, name
        assert time.monotonic() - began < AT_ONCE, name
    assert doors.count() == before


def test_the_door_goes_on(doors: Doors) -> None:
    assert {doors.post(genuine(path)).status_code for path in (*SLACK, *TWILIO)} == {200}
