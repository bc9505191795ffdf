"""A sandbox in a process of its own, the vendors' own clients against it, and a receiver in the product's place."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

import pytest
from slack_sdk import WebClient
from twilio.rest import Client

from sandbox.client import Sandbox
from tests.sandbox.product import ACCOUNT, ENVIRONMENT, Receiver, Running, handler


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(receiver))
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield receiver
    for event in receiver.held.values():
        event.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Running]]:
    started: list[subprocess.Popen[str]] = []

    def start(web_url: str) -> Running:
        ledger = tmp_path_factory.mktemp("sandbox") / "ledger.jsonl"
        door = free_port()
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--smtp-port", str(door), "--ledger", str(ledger)]
        command += ["--slack-retry-delays", "0,0.05,0.1"]
        environment = {**os.environ, **ENVIRONMENT, "WEB_URL": web_url, "SMTP_DOOR": f"127.0.0.1:{door}"}
        environment |= {"TRUSTED_AUTHSERV_ID": "mx.desk.example, mx.other.example"}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return Running(process=process, url=_announced(process), smtp_port=door, ledger=ledger)

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def running(start: Callable[[str], Running], receiver: Receiver) -> Running:
    return start(receiver.url)


@pytest.fixture
def sandbox(running: Running) -> Iterator[Sandbox]:
    sandbox = Sandbox(running.url)
    yield sandbox
    sandbox.no_faults()
    sandbox.close()


@pytest.fixture
def slack(running: Running) -> WebClient:
    token = ENVIRONMENT["SLACK_BOT_TOKEN"]
    return WebClient(token, base_url=f"{running.url}/slack/api/", timeout=1, retry_handlers=[])


@pytest.fixture
def twilio(running: Running) -> Iterator[Client]:
    client = Client(ACCOUNT, ENVIRONMENT["TWILIO_AUTH_TOKEN"])
    client.api.base_url = f"{running.url}/twilio"
    client.http_client.timeout = 1
    yield client
    client.http_client.session.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _announced(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found, "the sandbox did not start"
    # Its lines must go on being read, or the pipe fills up and it stops.
    threading.Thread(target=_drain, args=(process,), daemon=True).start()
    return found[0]


def _drain(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    for _ in process.stdout:
        pass
