"""Flower shows the queues to whoever has the password, and lets nobody turn a knob."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from sandbox.client import wait_for
from tests.acceptance.conftest import Running
from workers.local.processes import answers

CONTROLS = [
    "worker/shutdown/{worker}",
    "worker/pool/restart/{worker}",
    "worker/pool/grow/{worker}?n=3",
    "worker/pool/shrink/{worker}?n=1",
    "worker/pool/autoscale/{worker}?min=1&max=9",
    "worker/queue/add-consumer/{worker}?queue=outbound.email",
    "worker/queue/cancel-consumer/{worker}?queue=inbound.email",
    "task/revoke/{task}?terminate=true",
    "task/abort/{task}",
    "task/timeout/inbound.ingest?soft=1&workername={worker}",
    "task/rate-limit/inbound.ingest?ratelimit=1/h&workername={worker}",
    "task/apply/inbound.ingest",
    "task/async-apply/inbound.ingest",
    "task/send-task/inbound.ingest",
    "task/send-task/housekeeping.sweep",
]
PAGES = ["", "workers", "tasks", "broker", "tasks/datatable", "worker/inbound@x", "task/x"]
READS = ["api/workers", "api/tasks", "api/task/types", "api/queues/length", "api/task/info/x"]


@pytest.fixture(scope="module")
def password(running: Running) -> str:
    return running.secrets["FLOWER_PASSWORD"]


def call(running: Running, path: str, password: str = "", method: str = "GET", **headers: str) -> urllib3.HTTPResponse:
    login = urllib3.make_headers(basic_auth=f"frontdesk:{password}") if password else {}
    url = f"http://127.0.0.1:{running.ports.flower}/{path}"
    with urllib3.PoolManager(retries=False, timeout=20) as http:
        got = http.request(method, url, headers={**login, **headers})
    assert isinstance(got, urllib3.HTTPResponse)
    return got


def test_without_a_password_flower_does_not_start(running: Running, tmp_path: Path) -> None:
    for password in ("", "short", "with,a comma inside"):
        # Elsewhere: in the folder of a running desk, what that desk made up fills the gap.
        environment = {**running.env, "FRONTDESK_DIR": str(tmp_path), "FLOWER_PASSWORD": password}
        done = subprocess.run(
            [sys.executable, "-m", "workers", "flower", "--port", "1"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("frontdesk: FLOWER_")


@pytest.mark.parametrize("path", [*PAGES, *READS])
@pytest.mark.parametrize("login", ["", "wrong-password", "frontdesk"])
def test_pages_and_reads_need_the_password(running: Running, path: str, login: str) -> None:
    got = call(running, path, login)
    assert got.status == 401
    assert got.data in {b"", b"Access denied"}
    assert "Access-Control-Allow-Origin" not in got.headers


@pytest.mark.parametrize("path", CONTROLS)
def test_nobody_controls_anything(running: Running, password: str, path: str) -> None:
    known = path.format(worker=f"inbound@{socket.gethostname()}", task="00000000-0000-0000-0000-000000000000")
    before = running.pid("inbound"), running.pid("outbound")
    assert call(running, f"api/{known}", method="POST").status == 401
    assert call(running, f"api/{known}", password, method="POST").status in {403, 405}
    assert (running.pid("inbound"), running.pid("outbound")) == before


def test_another_site_reads_nothing_with_the_visitors_password(running: Running, password: str) -> None:
    for path in ("", "api/workers", "api/tasks"):
        got = call(running, path, password, Origin="https://evil.example")
        assert "Access-Control-Allow-Origin" not in got.headers
    got = call(running, f"api/{CONTROLS[0]}", password, method="POST", Origin="https://evil.example")
    assert got.status == 403


def test_flower_listens_on_one_loopback_address_only(running: Running) -> None:
    port = running.ports.flower
    assert answers(f"tcp://127.0.0.1:{port}")
    assert not answers(f"tcp://127.0.0.2:{port}")  # this machine too, and open where 0.0.0.0 is


def test_a_message_shows_as_its_tasks(running: Running, password: str) -> None:
    running.sandbox.mail("Cleo <cleo@client.example>", "support@desk.example", "Hello", "Shown in Flower.")
    running.ticket_of("Shown in Flower.")

    def names() -> set[str]:
        shown = call(running, "api/tasks", password).json()
        return {task["name"] for task in shown.values()} & {"inbound.ingest", "outbound.deliver"}

    wait_for(lambda: names() == {"inbound.ingest", "outbound.deliver"}, "the tasks in Flower", 20)
