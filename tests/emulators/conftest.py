"""Slack and Twilio emulated by others, in a process of their own; our web door in another; a desk between them.

All of them are there once a run, so a test has a client of its own and looks at the newest ticket.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.client import Sandbox, wait_for
from tests.conftest import CREDENTIALS
from tests.desk import Desk
from tests.emulators.installed import start_command
from tests.emulators.other_side import Slack, Twilio
from tests.emulators.seeds import CLIENTS, SUPPORT, desk_file, slack_seed, twilio_seed
from workers.cli.apply import Applier
from workers.local.processes import answers
from workers.local.redis import LocalRedis
from workers.local.supervisor import free_port
from workers.migrate import migrate
from workers.runtime import build
from workers.settings import from_environment


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # One pair of emulators a run: spread over workers, each would start its own.
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("emulators"))


@pytest.fixture(scope="session")
def door_url() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def emulators(door_url: str, folder: Path) -> Iterator[dict[str, str]]:
    """Run the emulators and return their addresses by name."""
    ports = {"slack": free_port(), "twilio": free_port()}
    seeds = {"slack": slack_seed(), "twilio": twilio_seed(door_url)}
    services = json.dumps({name: {"port": ports[name], "seed": seeds[name]} for name in ports})
    with (
        (folder / "emulators.log").open("w+b") as log,
        subprocess.Popen(
            [*start_command(), services], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", (folder / "emulators.log").read_text()
        yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


@pytest.fixture(scope="session")
def emulated_environment(
    emulators: dict[str, str], door_url: str, empty_database: Callable[[], str], redis: LocalRedis, folder: Path
) -> dict[str, str]:
    database = empty_database()
    migrate(database)
    return {
        **CREDENTIALS,
        "SLACK_API_URL": f"{emulators['slack']}/api/",
        "TWILIO_API_URL": emulators["twilio"],
        "DATABASE_URL": database,
        "REDIS_URL": redis.url,
        "FRONTDESK_DIR": str(folder / "emulated"),
        "PUBLIC_URL": door_url,
        "REPLY_HOLD_SECONDS": "0",
        "SLACK_POSTS_PER_SECOND": "0",
        "SLACK_GROUPING_SECONDS": "0",
        "TWILIO_SMS_PER_SECOND": "0",
    }


@pytest.fixture(scope="session")
def door(emulated_environment: dict[str, str], door_url: str, folder: Path) -> Iterator[str]:
    """Run our web door at the address that the emulators call."""
    command = [sys.executable, "-m", "workers", "web", "--port", door_url.rpartition(":")[2]]
    with (folder / "emulated-door.log").open("wb") as log:
        environment = {"PATH": os.environ["PATH"], **emulated_environment}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        wait_for(lambda: answers(f"{door_url}/readyz"), "the web door to answer")
        yield door_url
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def slack(emulators: dict[str, str], door: str, http: httpx.Client) -> Slack:
    workspace = Slack(emulators["slack"], door, http)
    workspace.invite_bot(CLIENTS)
    workspace.invite_bot(SUPPORT)
    return workspace


@pytest.fixture(scope="session")
def twilio(emulators: dict[str, str], door: str, http: httpx.Client) -> Iterator[Twilio]:  # noqa: ARG001 (what it calls must be there)
    account = Twilio(emulators["twilio"], http)
    yield account
    account.close()


@pytest.fixture(scope="session")
def emulated_desk(
    emulated_environment: dict[str, str], slack: Slack, sandbox_process: dict[str, str]
) -> Iterator[Desk]:
    made = Desk(build(from_environment(emulated_environment), lambda _: None), Sandbox(sandbox_process["url"]))
    with made.session() as session:
        list(Applier(session=session, channels=made.tools.channels).apply(desk_file(slack.channels)))
    yield made
    made.tools.database.engine.dispose()


@pytest.fixture
def desk(emulated_desk: Desk) -> Desk:
    """A desk that has done all its work; what its client then writes opens the newest ticket."""
    emulated_desk.work()
    return emulated_desk


@pytest.fixture
def phone() -> str:
    """Return the number of somebody who never wrote before."""
    return f"+1555{uuid.uuid4().int % 10_000_000:07}"
