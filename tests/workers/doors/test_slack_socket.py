"""The Socket Mode door as a process, against a Slack that wants each envelope acknowledged in three seconds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

import sandbox as other_side
from sandbox.client import Sandbox, wait_for
from tests.conftest import CREDENTIALS
from workers.local.postgres import LocalPostgres
from workers.local.redis import LocalRedis
from workers.local.supervisor import Program, Supervisor, free_port

FRONTDESK = [sys.executable, "-m", "workers"]
APP_TOKEN = "xapp-1-test-6a1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """The door, the Slack it is connected to, and the database behind it."""

    supervisor: Supervisor
    slack: Sandbox
    postgres: LocalPostgres
    lines: list[str]

    def rows(self, body: str) -> list[tuple[Any, ...]]:
        """Return the stored events whose bytes hold a text, in the order they were stored."""
        statement = "SELECT id, payload FROM inbound_events WHERE position(%(it)s in payload) > 0 ORDER BY id"
        with psycopg.connect(self.postgres.url.replace("+psycopg", ""), autocommit=True) as connection:
            return connection.execute(statement, {"it": body.encode()}).fetchall()

    def say(self, body: str) -> dict[str, Any]:
        """Let Cleo write, wait until Slack is done with it, and return Slack's record of the envelope."""
        self.slack.say("U0CLEO", "C0CLIENTS", body)
        return self.done_with(body)

    def done_with(self, body: str) -> dict[str, Any]:
        """Wait until Slack sends a text no more, and return its record of the envelope."""

        def done() -> dict[str, Any] | None:
            found = [each for each in self.slack.webhooks("slack/events") if body in each["body"] and each["done"]]
            return found[-1] if found else None

        return wait_for(done, f"Slack to be done with {body}", 30)


@pytest.fixture(scope="module")
def socket(folder: Path, doors_postgres: LocalPostgres, redis: LocalRedis) -> Iterator[Socket]:
    http, mail = free_port(), free_port()
    environment = {
        **CREDENTIALS,
        "PATH": os.environ["PATH"],
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_API_URL": f"http://127.0.0.1:{http}/slack/api/",
        "DATABASE_URL": doors_postgres.url,
        "REDIS_URL": redis.url,
        "FRONTDESK_DIR": str(folder / "socket"),
        "PUBLIC_URL": "http://127.0.0.1:9",
        "SMTP_DOOR": "127.0.0.1:9",
    }
    desk = Path(str(other_side.__file__)).with_name("desk.toml")
    for words in (["migrate"], ["apply", str(desk)]):
        subprocess.run([*FRONTDESK, *words], env=environment, check=True, capture_output=True)
    stand_in = (sys.executable, "-m", "sandbox", "--port", str(http), "--smtp-port", str(mail))
    programs = [
        Program(name="sandbox", argv=stand_in, env=environment, ready=f"http://127.0.0.1:{http}/healthz"),
        Program(name="slack-socket", argv=(*FRONTDESK, "slack-socket"), env=environment),
    ]
    lines: list[str] = []
    with Supervisor(programs, sink=lines.append) as supervisor:
        slack = Sandbox(f"http://127.0.0.1:{http}")
        wait_for(lambda: any("slack_socket_connected" in line for line in lines), "the connection", 30)
        yield Socket(supervisor=supervisor, slack=slack, postgres=doors_postgres, lines=lines)
        slack.close()


def test_a_message_is_stored_and_then_acknowledged(socket: Socket) -> None:
    record = socket.say("first over the socket")
    assert [each["status"] for each in record["attempts"]] == [200]
    assert len(socket.rows("first over the socket")) == 1


def test_messages_are_stored_in_the_order_they_came(socket: Socket) -> None:
    said = [f"ordered {number:02}" for number in range(30)]
    for body in said:
        socket.slack.say("U0CLEO", "C0CLIENTS", body)
    wait_for(lambda: len(socket.rows("ordered ")) == len(said), "all of them", 30)
    stored = [payload for _, payload in socket.rows("ordered ")]
    assert [next(body for body in said if body.encode() in payload) for payload in stored] == said


def test_a_command_is_stored_as_the_web_door_stores_it(socket: Socket) -> None:
    socket.slack.command("U0ADA", "C0SUPPORT", "/desk", "list oryx")
    (row,) = wait_for(lambda: socket.rows("oryx"), "the command", 10)
    assert b"command=%2Fdesk&text=list+oryx" in row[1]


def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(socket: Socket) -> None:
    socket.postgres.stop("fast")
    try:
        socket.slack.say("U0CLEO", "C0CLIENTS", "while it was away")
        wait_for(lambda: any("event_not_stored" in line for line in socket.lines), "the trouble in the log", 20)
    finally:
        socket.postgres.launch()
    attempts = [each["status"] for each in socket.done_with("while it was away")["attempts"]]
    assert (attempts[0], attempts[-1]) == (0, 200)
    assert len(socket.rows("while it was away")) == 1


@pytest.mark.parametrize("politely", [True, False])
def test_a_connection_that_ends_is_made_again(socket: Socket, *, politely: bool) -> None:
    assert socket.slack.cut_sockets(politely=politely) >= 1
    body = f"after the cut {politely}"
    socket.say(body)
    assert len(socket.rows(body)) == 1


def test_a_door_that_is_killed_is_back_and_hears_what_came_meanwhile(socket: Socket) -> None:
    socket.supervisor.kill("slack-socket", signal.SIGKILL)
    socket.say("while it was dead")
    assert len(socket.rows("while it was dead")) == 1


def test_without_an_app_token_it_says_what_to_do(socket: Socket) -> None:
    environment = {
        **CREDENTIALS,
        "PATH": os.environ["PATH"],
        "DATABASE_URL": socket.postgres.url,
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    done = subprocess.run(
        [*FRONTDESK, "slack-socket"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "connections:write" in done.stderr


def test_a_refused_token_is_told_and_tried_again(socket: Socket) -> None:
    environment = {
        **CREDENTIALS,
        "PATH": os.environ["PATH"],
        "SLACK_APP_TOKEN": "xapp-another",
        "SLACK_API_URL": f"{socket.slack.url}/slack/api/",
        "DATABASE_URL": socket.postgres.url,
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    lines: list[str] = []
    program = Program(name="other", argv=(*FRONTDESK, "slack-socket"), env=environment)
    with Supervisor([program], sink=lines.append):
        wait_for(lambda: sum("slack_socket_unreachable" in line for line in lines) > 1, "a second try", 30)
    assert not any("xapp-another" in line for line in lines)
