"""The process itself: how it starts, refuses to, stops, and what its page gives away."""

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
import urllib3

from sandbox.client import Sandbox, wait_for
from sandbox.faults import Fault
from sandbox.slack.world import World
from tests.sandbox.product import ENVIRONMENT, Running


def test_missing_credentials_are_named_in_one_line() -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ENVIRONMENT}
    command = [sys.executable, "-m", "sandbox"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert all(name in ended.stderr for name in ENVIRONMENT)


def test_a_taken_port_is_one_line_too(running: Running) -> None:
    command = [sys.executable, "-m", "sandbox", "--port", running.url.rpartition(":")[2]]
    environment = {**os.environ, **ENVIRONMENT}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)


def test_it_is_healthy_as_soon_as_it_says_so(running: Running) -> None:
    assert urllib3.request("GET", f"{running.url}/healthz").status == 200


def test_it_stops_cleanly_even_while_it_keeps_somebody_waiting(start: Callable[[str], Running]) -> None:
    other = start("http://127.0.0.1:1")
    sandbox = Sandbox(other.url)
    sandbox.fault(Fault(service="slack", kind="silence_before"))
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        urllib3.request("GET", f"{other.url}/slack/api/auth.test", timeout=0.3, retries=False)
    sandbox.say("U0ADA", "C0SUPPORT", "nobody listens")
    sandbox.close()
    other.process.terminate()
    assert other.process.wait(timeout=10) == 0


def test_a_page_elsewhere_cannot_play_the_people(running: Running) -> None:
    answer = urllib3.request(
        "POST", f"{running.url}/control/slack/say", body=b"{}", headers={"Content-Type": "text/plain"}
    )
    assert answer.status == 415


def test_the_page_needs_nothing_from_elsewhere(running: Running) -> None:
    answer = urllib3.request("GET", f"{running.url}/")
    assert b"https://" not in answer.data
    assert b"innerHTML" not in answer.data
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_page_offers_places_that_there_are(running: Running) -> None:
    offered = re.findall(rb'<option value="([CD]0[A-Z]+)"', urllib3.request("GET", f"{running.url}/").data)
    assert {each.decode() for each in offered} == set(World().places)


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(TimeoutError, match=r"after 0\.1 s still no second card"):
        wait_for(lambda: None, "second card", seconds=0.1)
