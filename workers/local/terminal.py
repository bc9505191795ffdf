"""Lines of many programs in one terminal, each headed by the program's name."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from threading import Lock

Sink = Callable[[str], object]

COLOURS: Mapping[str, int] = {
    "cyan": 36,
    "yellow": 33,
    "green": 32,
    "magenta": 35,
    "blue": 34,
    "red": 31,
}


class Terminal:
    """Write whole lines from any thread; coloured only where a person looks at a terminal and did not say NO_COLOR."""

    def __init__(self, colours: Mapping[str, str], sink: Sink | None = None) -> None:
        self._lock = Lock()
        self._sink = sink or _print
        self._width = max(map(len, colours), default=0)
        coloured = sink is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._codes = _codes(colours) if coloured else {}

    def line(self, name: str, text: str) -> None:
        """Write one line of that program."""
        head = f"{name:<{self._width}} |"
        if name in self._codes:
            head = f"\x1b[{self._codes[name]}m{head}\x1b[0m"
        # Whoever read our output may go away; the programs go on.
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._sink(f"{head} {text}".rstrip())

    def lines(self, name: str, stream: Iterable[bytes]) -> None:
        """Write every line of that program's output until it ends."""
        for raw in stream:
            self.line(name, raw.decode(errors="replace").rstrip("\r\n"))


def _codes(colours: Mapping[str, str]) -> dict[str, int]:
    cycle = list(COLOURS.values())
    return {
        name: COLOURS.get(colour, cycle[place % len(cycle)]) for place, (name, colour) in enumerate(colours.items())
    }


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
