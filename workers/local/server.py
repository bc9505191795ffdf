"""One server process of ours on a loopback port: started, watched, stopped, and never two on one folder.

Two locks in its folder tell what runs, and unlike a pid file they cannot be stale: the kernel holds `frontdesk.lock` as
long as the process that started the server lives, and `server.lock` as long as any process of the server does.
"""

import contextlib
import fcntl
import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import Signals
from threading import RLock
from typing import BinaryIO, ClassVar, Literal, Self

from workers.local.account import owner_of
from workers.local.errors import LocalError
from workers.local.processes import dying_with_us, free_port, in_a_lasting_thread
from workers.local.secrets import kept_password

StopMode = Literal["fast", "immediate"]

START_TIMEOUT = 60.0  # crash recovery of a day's writing takes seconds
STOP_TIMEOUT = 20.0
LOG_LIMIT = 10_000_000
# Nothing of our own environment: PGOPTIONS, LC_TIME and the like would have a say.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class Server(ABC):
    """What PostgreSQL and Redis have in common; all methods may be called from any thread."""

    name: ClassVar[str]
    signals: ClassVar[Mapping[StopMode, Signals]]

    def __init__(self, home: Path, *, port: int | None, say: Callable[[str], None]) -> None:
        self.home = home.resolve()
        self.port = port or free_port()
        self.say = say
        self._guard = RLock()
        self._hold: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Return the address with its password."""

    @property
    @abstractmethod
    def pid_file(self) -> Path:
        """Return the file whose first line is the server's process id."""

    @abstractmethod
    def prepare(self) -> list[str]:
        """Make the folder ready, at every start, and return the command."""

    @abstractmethod
    def ready(self) -> bool:
        """Say whether the server answers to its password."""

    @property
    def password(self) -> str:
        """Return the password, made up at the first call."""
        return kept_password(self.home / "password")

    @property
    def pid(self) -> int | None:
        """Return the id of the running process."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def log(self) -> Path:
        """Return the file the server writes to."""
        return self.home / f"{type(self).__module__.rpartition('.')[2]}.log"

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def launch(self) -> Self:
        """Start, having stopped what a killed run left behind; return when the server answers."""
        with self._guard:
            self._take_folder()
            try:
                self._end_leftover()
                self._run()
            except BaseException:
                self.stop()
                raise
        return self

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop, and return when no process of the server is left. Does nothing if it is stopped."""
        with self._guard:
            try:
                self._end(mode)
            finally:
                self._release_folder()

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start on the same port; `immediate` is a crash, from which the server recovers."""
        with self._guard:
            self._end(mode)
            self._run()

    def ensure(self) -> None:
        """Start the server again if it ended by itself. Raises `LocalError` when that fails; try again later."""
        with self._guard:
            if self._hold is not None and self.pid is None:
                self.say(f"{self.name} ended by itself: starting it again.")
                self._run()

    def kill(self) -> None:
        """End the process as a crash would: at once, saving nothing."""
        with self._guard:
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def _take_folder(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._hold = _lock(self.home / "frontdesk.lock")
        except BlockingIOError:
            raise LocalError(f"Another Frontdesk runs {self.name} in {self.home}: stop that one first.") from None
        except PermissionError as error:
            raise LocalError(f"{error.filename} is not open to this user: start Frontdesk as its owner.") from error

    def _release_folder(self) -> None:
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    def _run(self) -> None:
        command = self.prepare()
        self._wait_until_gone()
        self.pid_file.unlink(missing_ok=True)
        self._process = in_a_lasting_thread(lambda: self._spawn(command))
        self._wait_until_ready(self._process)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        folder = self.pid_file.parent
        lock = _lock(self.home / "server.lock")
        try:
            with _open_log(self.log) as log:
                return subprocess.Popen(
                    dying_with_us(command, self.signals["fast"]),
                    cwd=folder,
                    env=ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=[lock],
                    **owner_of(folder),
                )
        finally:
            os.close(lock)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self.ready():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
            if process.returncode is not None or time.monotonic() > deadline:
                raise LocalError(
                    f"{self.name} did not start on port {self.port}. {self.log} ends:\n{self._last_words()}"
                )

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])

    def _end(self, mode: StopMode) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(self.signals[mode])
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._wait_until_gone()

    def _end_leftover(self) -> None:
        for signal in (self.signals["fast"], Signals.SIGKILL):
            if self._is_gone():
                return
            self._signal_leftover(signal)
            with contextlib.suppress(LocalError):
                self._wait_until_gone()

    def _signal_leftover(self, signal: Signals) -> None:
        # The lock says that the server lives, so its pid file is its own; none means it is on its way out.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = int(self.pid_file.read_text().split("\n", 1)[0])
            self.say(f"Stopping {self.name} (process {pid}), which an earlier run left in {self.home}.")
            os.kill(pid, signal)

    def _wait_until_gone(self) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT
        while not self._is_gone():
            if time.monotonic() > deadline:
                raise LocalError(f"A process of {self.name} in {self.home} does not end.")
            time.sleep(0.02)

    def _is_gone(self) -> bool:
        try:
            os.close(_lock(self.home / "server.lock"))
        except BlockingIOError:
            return False
        return True


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_name(f"{path.name}.old"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")
