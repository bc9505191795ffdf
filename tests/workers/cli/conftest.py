from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.workers.own_process import own_process
from workers.cli import cli

Frontdesk = Callable[..., Result]


@pytest.fixture
def frontdesk(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Frontdesk]:
    """Return what runs a command in a folder without settings of its own, with the test's servers."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object, typed: str = "") -> Result:
        return CliRunner().invoke(cli, [str(word) for word in words], input=typed)

    with own_process({**environment, "COLUMNS": "300"}):
        yield run
