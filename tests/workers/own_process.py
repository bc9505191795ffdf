"""This test process as one of a desk: its environment, its settings, its tools."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from workers.app import app
from workers.runtime import runtime
from workers.settings import settings


@contextmanager
def own_process(environment: Mapping[str, str]) -> Iterator[None]:
    """Be a process of the desk that `environment` describes; its broker is the same for all of them."""
    before = dict(os.environ)
    os.environ.update(environment)
    _forget()
    try:
        # Celery's app reads its settings once and for all.
        assert app.conf.broker_url == settings().broker_url, "another test gave this process another broker"
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
