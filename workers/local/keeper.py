"""Keep one program running: start it, show its lines, wait for its end, start it again after a pause."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO

from workers.local.processes import dying_with_us, kill_group
from workers.local.terminal import Terminal

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
STEADY_AFTER = 30.0  # who lived this long starts again after the first pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program to keep running. `ready` is a `tcp://` or `http://` address that answers once it is up."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    colour: str = ""
    ready: str = ""
    ready_within: float = 60.0
    cwd: Path | None = None


class Keeper:
    """One program and the thread that keeps it; the thread lives as long as the program may."""

    def __init__(self, program: Program, terminal: Terminal) -> None:
        self.program = program
        self._terminal = terminal
        self._stopping = Event()
        self._guard = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._keep, name=f"keep {program.name}", daemon=True)

    def start(self) -> None:
        """Begin to keep the program running; call once."""
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Return the process id, `None` while there is no process."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def send(self, number: signal.Signals) -> None:
        """Send the program a signal if it runs."""
        with self._guard:
            if self._process is not None:
                self._process.send_signal(number)

    def ask_to_stop(self) -> None:
        """Start the program no more, and send it SIGTERM."""
        self._stopping.set()
        self.send(signal.SIGTERM)

    def stopped(self, within: float) -> bool:
        """Say whether nothing of the program is left, waiting so many seconds for it."""
        if self._thread.ident is not None:
            self._thread.join(within)
        return not self._thread.is_alive()

    def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            outcome = self._run_once()
            if time.monotonic() - began > STEADY_AFTER:
                pause = FIRST_PAUSE
            if not self._stopping.is_set():
                self._terminal.line(self.program.name, f"{outcome}; starting again in {pause:g} s")
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _run_once(self) -> str:
        try:
            process = self._spawn()
        except OSError as error:
            return f"cannot be started: {error}"
        if process is None:
            return "not started"
        reader = Thread(target=self._show, args=(process.stdout,), name=f"read {self.program.name}", daemon=True)
        reader.start()
        code = process.wait()
        kill_group(process.pid)
        reader.join(1)
        return _ending(code)

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        with self._guard:
            if self._stopping.is_set():
                return None
            self._process = subprocess.Popen(
                dying_with_us(self.program.argv, signal.SIGTERM),
                cwd=self.program.cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            return self._process

    def _show(self, output: IO[bytes]) -> None:
        with output:
            self._terminal.lines(self.program.name, output)


def _ending(code: int) -> str:
    return f"ended with {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"
