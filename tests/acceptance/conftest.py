"""A whole desk in real processes, driven from outside. Starting one takes seconds, so the tests of a run share it."""

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

import sandbox as other_side
from sandbox.client import Sandbox, wait_for
from workers.local.desk import LocalDesk, Ports, RunningDesk
from workers.local.postgres import LocalPostgres
from workers.local.redis import LocalRedis
from workers.local.secrets import local_secrets
from workers.local.supervisor import Supervisor, free_port

# Waits are a desk's; a test has less patience, and everything a process may log is asked for.
SETTINGS = {
    "REPLY_HOLD_SECONDS": "0",
    "SWEEP_SECONDS": "1",
    "EVENT_LEASE_SECONDS": "5",
    "SMTP_TIMEOUT": "5",
    "TWILIO_LOOK_AFTER_SECONDS": "1,2,4",
    "LOG_LEVEL": "DEBUG",
}

OPEN_ROWS = """
SELECT (SELECT count(*) FROM inbound_events WHERE status IN ('pending', 'processing'))
     + (SELECT count(*) FROM deliveries WHERE status IN ('pending', 'sending', 'unclear'))
"""

# A send that a dead worker held is left alone for the longest that its call could still take, a minute nearly; the
# sandbox is done with it long before.
NOBODY_HOLDS_THEM = """
UPDATE deliveries SET lease_until = least(lease_until, timezone('utc', now()) + interval '10 seconds')
WHERE status IN ('sending', 'unclear') RETURNING id
"""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # One desk a run: spread over workers, each would start its own.
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("acceptance"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A desk under way: its processes, its servers, and the other side."""

    supervisor: Supervisor = field(repr=False)
    run: RunningDesk = field(repr=False)
    sandbox: Sandbox
    lines: list[str] = field(repr=False)

    @property
    def env(self) -> dict[str, str]:
        """Return the environment of its processes."""
        return self.run.environment

    @property
    def folder(self) -> Path:
        """Return where it keeps what it keeps."""
        return self.run.desk.folder

    @property
    def ports(self) -> Ports:
        return self.run.desk.ports

    @property
    def servers(self) -> Mapping[str, LocalPostgres | LocalRedis]:
        """Return its servers under `DATABASE_URL` and `REDIS_URL`."""
        return self.run.servers

    @property
    def postgres(self) -> LocalPostgres:
        server = self.servers["DATABASE_URL"]
        assert isinstance(server, LocalPostgres)
        return server

    @property
    def redis(self) -> LocalRedis:
        server = self.servers["REDIS_URL"]
        assert isinstance(server, LocalRedis)
        return server

    @property
    def secrets(self) -> Mapping[str, str]:
        """Return what this desk made up in `secrets.env`."""
        return local_secrets(self.folder)

    def frontdesk(self, *words: str) -> str:
        """Run a `frontdesk` command beside it and return what it printed."""
        return self.run.frontdesk(*words)

    def pid(self, name: str) -> int:
        """Return the process of a program, waiting for it while it is down."""
        return wait_for(lambda: self.supervisor.pids(name), f"{name} to run", 30)[0]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a program a signal; one that ends by it is started again."""
        before = self.supervisor.pids(name)
        self.supervisor.kill(name, number)
        if (name, number) == ("outbound", signal.SIGKILL):
            wait_for(lambda: self.supervisor.pids(name) != before, f"the end of {name}")
            self.rows(NOBODY_HOLDS_THEM)

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection of the test's own, waiting out a restart: `with running.connect() as connection:`."""
        return wait_for(self._connected, "PostgreSQL to answer", 30)

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]] | None:
        try:
            return psycopg.connect(self.postgres.url.replace("+psycopg", ""), autocommit=True)
        except psycopg.OperationalError:
            return None

    def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Return what a statement finds, waiting out a restart, also one in the midst of it."""
        (found,) = wait_for(lambda: self._found(statement, values), "PostgreSQL to answer", 30)
        return found

    def _found(self, statement: str, values: Mapping[str, object]) -> tuple[list[tuple[Any, ...]]] | None:
        connection = self._connected()
        try:
            return (connection.execute(statement.encode(), values).fetchall(),) if connection else None
        except psycopg.OperationalError:
            return None
        finally:
            if connection:
                connection.close()

    def one(self, statement: str, **values: object) -> Any:  # noqa: ANN401 (whatever stands there)
        """Return the first value of the first row, `None` without one."""
        found = self.rows(statement, **values)
        return found[0][0] if found else None

    def ticket_of(self, body: str, seconds: float = 30) -> int:
        """Wait until somebody's message is in a ticket, and return the ticket."""
        statement = "SELECT ticket_id FROM messages WHERE position(%(body)s in body) > 0"
        return int(wait_for(lambda: self.one(statement, body=body), f"ticket for {body!r}", seconds))

    def thread_of(self, ticket_id: int, seconds: float = 30) -> tuple[str, str]:
        """Wait until a ticket is shown to its agents, and return channel and `ts` of its thread."""
        statement = "SELECT value FROM ticket_external_ids WHERE type = 'slack_agents' AND ticket_id = %(ticket)s"
        name = str(wait_for(lambda: self.one(statement, ticket=ticket_id), f"card of ticket {ticket_id}", seconds))
        _, channel, ts = name.split("/")
        return channel, ts

    def settle(self, seconds: float = 60) -> None:
        """Wait until nothing is in an open status any more."""
        wait_for(lambda: self.one(OPEN_ROWS) == 0, "end of the open rows", seconds)


@pytest.fixture(scope="session")
def running(folder: Path) -> Iterator[Running]:
    """Start every process of `frontdesk up`, with the sandbox as the other side."""
    ports = Ports(web=free_port(), smtp=free_port(), flower=free_port(), sandbox=free_port(), sandbox_smtp=free_port())
    given = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    desk = LocalDesk(
        folder=folder / "desk", environment=given | SETTINGS, ports=ports, concurrency=1, say=lambda _: None
    )
    lines: list[str] = []
    example = Path(str(other_side.__file__)).with_name("desk.toml")
    with desk.running(example, lines.append) as (supervisor, run), supervisor:
        client = Sandbox(f"http://127.0.0.1:{ports.sandbox}")
        yield Running(supervisor=supervisor, run=run, sandbox=client, lines=lines)
        client.close()
