"""The account PostgreSQL and Redis run under, and folders that account can use.

PostgreSQL refuses to run as root and Redis should not. Started by root, both run as `nobody`, or as the owner of a
folder that an earlier run left; started by anyone else, as that user. No existing folder's permissions are changed.
"""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from workers.local.errors import LocalError

# Where root's servers keep what they cannot keep under a closed folder such as /root. Only root can write there, so
# nobody can lie in wait under a name there, as they could in the temporary directory; and it outlives a reboot.
REFUGE = Path("/var/lib")


class Identity(TypedDict, total=False):
    """The arguments of `subprocess` that make a child run as somebody else; empty for as ourselves."""

    user: int
    group: int
    extra_groups: list[int]


def unprivileged() -> Identity:
    """Return as whom a new server runs."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def owner_of(folder: Path) -> Identity:
    """Return as whom the server of this folder runs: its owner, if we may choose."""
    status = folder.stat()
    if os.geteuid() == 0 and status.st_uid != 0:
        return {"user": status.st_uid, "group": status.st_gid, "extra_groups": []}
    return unprivileged()


def can_reach(path: Path) -> bool:
    """Say whether the servers' account may enter this folder or run this program."""
    try:
        return subprocess.run(["test", "-x", str(path)], check=False, **unprivileged()).returncode == 0  # noqa: S607 - POSIX
    except (PermissionError, subprocess.SubprocessError) as error:
        raise LocalError(
            "PostgreSQL and Redis must not run as root, and this root may not change to another user: "
            "start Frontdesk as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from error


def usable_folder(path: Path, say: Callable[[str], None]) -> Path:
    """Return a folder that the servers' account can reach, making it at need.

    It is `path` itself, or, where a parent of `path` is closed to that account, a new one under `/var/lib` to which
    `path` becomes a link: who removes `path` starts afresh.
    """
    if path.is_dir():
        return path.resolve()
    path.unlink(missing_ok=True)
    if can_reach(path.parent):
        path.mkdir()
        path.chmod(0o755)
        return path
    refuge = Path(tempfile.mkdtemp(prefix=f"frontdesk-{path.name}-", dir=REFUGE))
    refuge.chmod(0o755)
    path.symlink_to(refuge)
    say(f"Other users cannot enter {path.parent}, so {path} is a link to {refuge}.")
    return refuge


def private_folder(path: Path, say: Callable[[str], None]) -> Path:
    """Return a usable folder that belongs to the servers' account, closed to everyone else."""
    made = not path.is_dir()
    folder = usable_folder(path, say)
    if made:
        give(folder, unprivileged())
        folder.chmod(0o700)
    return folder


def give(path: Path, identity: Identity) -> None:
    """Make a file or folder of ours that account's."""
    if "user" in identity:
        os.chown(path, identity["user"], identity["group"])
