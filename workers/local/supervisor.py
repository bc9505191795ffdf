"""Run several programs in one terminal: name their lines, start again what ends, stop everything cleanly.

Programs run in sessions of their own, so that Ctrl-C reaches the supervisor alone, which stops them in reverse order.
What a program leaves behind in its process group (the pool of a killed Celery worker) is killed before its next start
and at the end.
"""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Event, Thread
from types import FrameType
from typing import Self

from workers.local.errors import LocalError
from workers.local.keeper import Keeper, Program
from workers.local.processes import answers, free_port
from workers.local.terminal import Sink, Terminal

__all__ = ["Program", "Supervisor", "free_port"]

OURS = "frontdesk"  # heads the supervisor's own lines
GRACE = 25.0  # a worker's soft shutdown takes up to 20
POLL = 0.1
CHECK_EVERY = 1.0


class Supervisor:
    """Keep programs running while the context lasts, or, with `run`, until Ctrl-C or SIGTERM.

    `checks` are called every second from one thread, until the last program has stopped: each sees to a server the
    programs need, starting it again if it ended. `sink` takes the lines instead of the terminal.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        checks: Sequence[Callable[[], object]] = (),
        sink: Sink | None = None,
        grace: float = GRACE,
    ) -> None:
        self._terminal = Terminal({program.name: program.colour for program in programs} | {OURS: ""}, sink)
        self._keepers = {program.name: Keeper(program, self._terminal) for program in programs}
        self._checks = checks
        self._grace = grace
        self._requests = 0
        self._done = Event()
        self._watch = Thread(target=self._check, name="check servers", daemon=True)

    def __enter__(self) -> Self:
        """Start every program, and return when all that can say so are ready. Raises `LocalError` when one is not."""
        self._watch.start()
        try:
            for keeper in self._keepers.values():
                keeper.start()
            for name in self._keepers:
                self.wait_until_ready(name)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.stop()

    def run(self) -> int:
        """Run until Ctrl-C, SIGTERM or SIGHUP; a second one ends what has not stopped yet. From the main thread only.

        Returns the exit code: 0, or 1 if a program had to be killed.
        """
        with self._signals_counted(), self:
            self.say("everything runs; Ctrl-C stops it")
            while not self._requests:
                time.sleep(POLL)
            self.say("stopping")
            clean = self.stop()
        return 0 if clean else 1

    def say(self, text: str) -> None:
        """Write a line of the supervisor's own."""
        self._terminal.line(OURS, text)

    def pids(self, name: str) -> tuple[int, ...]:
        """Return the process of that program, nothing while it is down."""
        pid = self._keepers[name].pid
        return () if pid is None else (pid,)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send that program a signal, as a crash or an operator would; it is started again."""
        self._keepers[name].send(number)

    def wait_until_ready(self, name: str) -> None:
        """Return when that program answers; one without an address of its own counts as ready."""
        program = self._keepers[name].program
        deadline = time.monotonic() + program.ready_within
        while program.ready and not self._requests and not answers(program.ready):
            if time.monotonic() > deadline:
                raise LocalError(f"{name} did not answer at {program.ready} within {program.ready_within:g} s.")
            time.sleep(POLL)

    def stop(self) -> bool:
        """Stop every program, last first, and say whether all ended within the grace. May be called again."""
        keepers = list(reversed(self._keepers.values()))
        for keeper in keepers:
            keeper.ask_to_stop()
        deadline = time.monotonic() + self._grace
        late = [keeper for keeper in keepers if not self._stops_before(deadline, keeper)]
        for keeper in late:
            self.say(f"{keeper.program.name} did not stop: killing it")
            keeper.send(signal.SIGKILL)
            keeper.stopped(within=self._grace)
        self._done.set()
        if self._watch.ident is not None:
            self._watch.join()
        return not late

    def _stops_before(self, deadline: float, keeper: Keeper) -> bool:
        while not keeper.stopped(within=POLL):
            if self._requests > 1 or time.monotonic() > deadline:
                return False
        return True

    def _check(self) -> None:
        while not self._done.wait(CHECK_EVERY):
            for check in self._checks:
                try:
                    check()
                except (LocalError, OSError) as error:
                    self.say(str(error))

    @contextlib.contextmanager
    def _signals_counted(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._count) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        # A counter and not an event: setting one takes a lock, which the interrupted main thread may hold.
        self._requests += 1
