"""Small facts of processes and ports that servers and programs share."""

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from http.client import HTTPConnection, HTTPException
from signal import Signals
from threading import Thread
from urllib.parse import SplitResult, urlsplit

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a loopback port that nothing listens on at this moment."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def dying_with_us(argv: Sequence[str], signal: Signals) -> list[str]:
    """Return the command so wrapped that the kernel sends it `signal` when the thread that starts it ends.

    Thread, not process: whoever starts a lasting child must last as long. Linux with util-linux only; elsewhere the
    command is returned as it is, and what a killed run leaves is found by the next one.
    """
    return [*_guard(), signal.name, "--", *argv] if _guard() else list(argv)


def kill_group(leader: int) -> None:
    """Kill what is left of a process's group."""
    # Gone already, as after every clean end; macOS says "not permitted" of a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, Signals.SIGKILL)


def in_a_lasting_thread(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Start a process from a thread that lives as long as it, so that it may be wrapped in `dying_with_us`."""
    started: Future[subprocess.Popen[bytes]] = Future()

    def last() -> None:
        try:
            started.set_result(start())
        except OSError as error:
            started.set_exception(error)
        else:
            started.result().wait()

    Thread(target=last, daemon=True).start()
    return started.result()


@functools.cache
def _guard() -> tuple[str, ...]:
    # BusyBox has a setpriv too, without this option.
    program = shutil.which("setpriv") if sys.platform == "linux" else None
    if program is None:
        return ()
    trial = subprocess.run([program, "--pdeathsig", "TERM", "--", "true"], check=False, capture_output=True)
    return (program, "--pdeathsig") if trial.returncode == 0 else ()


def answers(address: str) -> bool:
    """Say whether something accepts at a `tcp://host:port`, or says 2xx at an `http://` address."""
    url = urlsplit(address)
    if url.hostname is None or url.port is None:
        raise ValueError(f"{address} names no host and port")
    try:
        return _accepts(url.hostname, url.port) if url.scheme == "tcp" else _succeeds(url)
    except (OSError, HTTPException):
        return False


def _accepts(host: str, port: int) -> bool:
    with socket.create_connection((host, port), timeout=2):
        return True


def _succeeds(url: SplitResult) -> bool:
    with contextlib.closing(HTTPConnection(url.netloc, timeout=2)) as connection:
        connection.request("GET", url.path or "/")
        return connection.getresponse().status // 100 == 2  # noqa: PLR2004 - the class of codes that mean success
