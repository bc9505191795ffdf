import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    yield from open_folder()


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    yield from open_folder()


def open_folder() -> Iterator[Path]:
    # Not tmp_path: its parents are closed to other users, and root's servers run as another user.
    with tempfile.TemporaryDirectory(prefix="frontdesk-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)
