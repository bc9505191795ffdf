"""Real servers for every test: one PostgreSQL, Redis and sandbox a test process, a database of its own a test."""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import structlog
from sqlalchemy import event, make_url

from sandbox.client import Sandbox, wait_for
from tests.desk import Desk, apply_example
from workers.app import app
from workers.db import Database
from workers.local.postgres import LocalPostgres
from workers.local.processes import answers
from workers.local.redis import LocalRedis
from workers.local.supervisor import free_port
from workers.migrate import migrate
from workers.runtime import build
from workers.settings import from_environment

# What the servers of several test processes may come to need, in bytes.
ROOM = 4 << 30

CREDENTIALS = {
    "SECRET_KEY": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "SLACK_BOT_TOKEN": "xoxb-test-5f2d8c1b7a",
    "SLACK_SIGNING_SECRET": "8b1f5d2c7e9a40316b5c8d7e6f5a4b3c",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "f0e1d2c3b4a5968778695a4b3c2d1e0f",
}


@pytest.fixture(autouse=True)
def logs_as_they_come() -> Iterator[None]:
    """Take back what a command run in this process said of logs: its level would hide events from other tests."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    # Not tmp_path: its parents are closed to other users, and root's servers run as another user.
    with tempfile.TemporaryDirectory(prefix="frontdesk-test-", dir=_fastest(), ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _fastest() -> Path | None:
    """Return where files are kept in memory, if there is room: a database is hundreds of files, most tests make one."""
    memory = Path("/dev/shm")  # noqa: S108 (what is made there has a name nobody knows before)
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return memory if roomy else None


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[LocalPostgres]:
    # Nothing here outlives the run, so the disk need not be waited for; the chaos test keeps fsync on. A vacuum under
    # way in a database would keep its owner from dropping it.
    settings = {"fsync": "off", "max_connections": "200", "autovacuum": "off", "max_wal_size": "256MB"}
    with LocalPostgres.start(folder / "postgres", settings=settings) as server:
        yield server


@pytest.fixture(scope="session")
def redis(folder: Path) -> Iterator[LocalRedis]:
    with LocalRedis.start(folder / "redis") as server:
        # Celery's app settles this when it is first looked at, which may be by a test of commands with other settings.
        app.conf.broker_url = server.url
        yield server


@pytest.fixture(scope="session")
def empty_database(postgres: LocalPostgres) -> Callable[[], str]:
    def make() -> str:
        return _create(postgres.url, template="template1")

    return make


@pytest.fixture(scope="session")
def template(postgres: LocalPostgres) -> str:
    url = _create(postgres.url, template="template1")
    migrate(url)
    return str(make_url(url).database)


@pytest.fixture(scope="session")
def furnished(
    postgres: LocalPostgres, template: str, redis: LocalRedis, sandbox_process: dict[str, str], folder: Path
) -> str:
    """Return a template in which the example stands: applied for each test, it took more than most tests do."""
    url = _create(postgres.url, template=template)
    tools = build(from_environment(_environment(url, redis, sandbox_process, folder)), lambda _: None)
    apply_example(tools)
    tools.database.engine.dispose()
    return str(make_url(url).database)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, postgres: LocalPostgres) -> Iterator[str]:
    """Make a database, with the example in it where the test asks for a desk."""
    template = "furnished" if "desk" in request.fixturenames else "template"
    url = _create(postgres.url, template=request.getfixturevalue(template))
    yield url
    _drop(postgres.url, url)


def _create(url: str, *, template: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _drop(url: str, which: str) -> None:
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {make_url(which).database} WITH (FORCE)".encode())


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture(scope="session")
def sandbox_process(folder: Path) -> Iterator[dict[str, str]]:
    """Run the other side; what it posts goes nowhere until a test says where."""
    http, mail = free_port(), free_port()
    environment = {**os.environ, **CREDENTIALS, "PUBLIC_URL": "http://127.0.0.1:9", "SMTP_DOOR": "127.0.0.1:9"}
    command = [sys.executable, "-m", "sandbox", "--port", str(http), "--smtp-port", str(mail)]
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        wait_for(lambda: answers(f"http://127.0.0.1:{http}/healthz"), "the sandbox to answer")
        yield {
            "SLACK_API_URL": f"http://127.0.0.1:{http}/slack/api/",
            "TWILIO_API_URL": f"http://127.0.0.1:{http}/twilio",
            "SMTP_RELAY_URL": f"smtp://127.0.0.1:{mail}?starttls=off",
            "url": f"http://127.0.0.1:{http}",
        }
        process.terminate()
        process.wait(10)


@pytest.fixture
def sandbox(sandbox_process: dict[str, str]) -> Iterator[Sandbox]:
    client = Sandbox(sandbox_process["url"])
    yield client
    client.no_faults()
    client.close()


@pytest.fixture
def environment(
    database_url: str, redis: LocalRedis, sandbox_process: dict[str, str], tmp_path: Path
) -> dict[str, str]:
    return _environment(database_url, redis, sandbox_process, tmp_path)


def _environment(database_url: str, redis: LocalRedis, sandbox_process: dict[str, str], folder: Path) -> dict[str, str]:
    outside = {name: value for name, value in sandbox_process.items() if name.isupper()}
    return {
        **CREDENTIALS,
        **outside,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis.url,
        "FRONTDESK_DIR": str(folder / "frontdesk"),
        "PUBLIC_URL": "https://desk.example.com",
        "REPLY_HOLD_SECONDS": "0",
        "SLACK_POSTS_PER_SECOND": "0",
        "TWILIO_SMS_PER_SECOND": "0",
    }


@pytest.fixture(scope="session")
def known_statements(postgres: LocalPostgres) -> Callable[[str], Database]:
    """Return what leads one and the same engine to another database: it compiles its statements once a process."""
    database = Database(postgres.url, lambda _: None)
    target: dict[str, str | None] = {}

    def lead(url: str) -> Database:
        target["dbname"] = make_url(url).database
        return database

    event.listen(database.engine, "do_connect", lambda _dialect, _record, _args, given: given.update(target))
    return lead


@pytest.fixture
def desk(environment: dict[str, str], sandbox: Sandbox, known_statements: Callable[[str], Database]) -> Iterator[Desk]:
    """A desk whose workers are the test itself: `desk.work()` does what is due."""
    tools = build(from_environment(environment), lambda _: None)
    made = Desk(replace(tools, database=known_statements(environment["DATABASE_URL"])), sandbox)
    yield made
    made.tools.database.engine.dispose()
