"""The virus scanner: a program of the operator's that reads one file and says by its exit code what it is.

ClamAV's convention: 0 is clean, 1 is infected, and the first line it prints says with what. All else is no verdict.
"""

import os
import re
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass

from channels.base import clean_line
from models.attachments import Scan
from workers.local.processes import kill_group

# What is kept of what it prints; the rest is read and let go.
_LONGEST_ANSWER = 4096
_LONGEST_FINDING = 100
# `stream: Eicar-Signature FOUND`, with whatever it calls its standard input in front.
_FOUND = re.compile(r"[^:]*: (.+) FOUND")
# It reads what strangers send, so it is given none of the settings and their secrets.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


class ScannerAwayError(Exception):
    """The scanner gave no verdict; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What is known of a file; `finding` names what an infected one holds."""

    scan: Scan = Scan.UNSCANNED
    finding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """Asks the program about one file at a time; `timeout` is how many seconds it has for one."""

    command: tuple[str, ...]
    timeout: float

    def scan(self, content: bytes, within: float) -> ScanResult:
        """Return the program's verdict, waiting at most `within` seconds for it. Raises `ScannerAwayError`."""
        seconds = min(self.timeout, within)
        if seconds <= 0:
            raise ScannerAwayError("the files before have taken all the time there is")
        try:
            code, said = self._ask(content, time.monotonic() + seconds)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise ScannerAwayError(f"no verdict within {seconds:.0f} s") from error
        except OSError as error:
            raise ScannerAwayError(f"it cannot be run ({type(error).__name__})") from error
        return _verdict(code, said)

    def _ask(self, content: bytes, deadline: float) -> tuple[int, bytes]:
        # A file rather than a pipe: who stops reading early blocks nobody, and clamdscan can pass a file on to clamd.
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            with self._started(file.fileno()) as process:
                try:
                    said = _output(process, deadline)
                    return process.wait(max(0.0, deadline - time.monotonic())), said
                finally:
                    kill_group(process.pid)

    def _started(self, file: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(os.environ),
            start_new_session=True,
        )


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    return {name: own[name] for name in _ENVIRONMENT if name in own}


def _output(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """Return the beginning of what a process prints, once it prints no more. Raises `TimeoutError`."""
    if process.stdout is None:
        return b""
    said = b""
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0 and ready.select(left):
            piece = os.read(process.stdout.fileno(), _LONGEST_ANSWER)
            if not piece:
                return said
            said += piece[: _LONGEST_ANSWER - len(said)]
    raise TimeoutError


def _verdict(code: int, said: bytes) -> ScanResult:
    if code == 0:
        return ScanResult(scan=Scan.CLEAN)
    if code == 1:
        return ScanResult(scan=Scan.INFECTED, finding=_finding(said))
    raise ScannerAwayError(f"it ended with {code}")


def _finding(said: bytes) -> str:
    line = said.decode(errors="replace").strip().partition("\n")[0]
    named = _FOUND.fullmatch(line.strip())
    return clean_line(named[1] if named else line, _LONGEST_FINDING) or "something without a name"
