"""Many threads that do one thing at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Make all calls at once and return what each gave, in order."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        start.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [each.result(60) for each in [threads.submit(run, call) for call in calls]]
