"""This test process as one of a desk: its environment, its settings, its tools."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from workers.runtime import runtime
from workers.settings import settings


@contextmanager
def own_process(environment: Mapping[str, str]) -> Iterator[None]:
    """Be a process of the desk that `environment` describes."""
    before = dict(os.environ)
    os.environ.update(environment)
    _forget()
    try:
        yield
    finally:
        if runtime.cache_info().currsize:
            runtime().database.engine.dispose()
        _forget()
        os.environ.clear()
        os.environ.update(before)


def _forget() -> None:
    settings.cache_clear()
    runtime.cache_clear()
