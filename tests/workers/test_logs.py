import json
import os
import re
import subprocess
import sys

import pytest

from tests.conftest import CREDENTIALS
from workers.logs import Redactor

SECRETS = {
    **{name: value for name, value in CREDENTIALS.items() if name != "TWILIO_ACCOUNT_SID"},
    "DATABASE_URL": "postgresql://frontdesk:canary-of-postgres@127.0.0.1:5432/frontdesk",
    "SMTP_RELAY_URL": "smtp://mail:canary%40relay@127.0.0.1:2526",
}
CANARIES = [*list(SECRETS.values())[:-2], "canary-of-postgres", "canary%40relay", "canary@relay"]

# A process of its own: logging is set up once in one, and belongs to all of it.
SCRIPT = """
import json, logging, os, sys
from workers.logs import configure_logs, get_logger

configure_logs({**os.environ, "LOG_FORMAT": sys.argv[1], "LOG_LEVEL": sys.argv[2]})
log, library = get_logger(), logging.getLogger("some.library")
for value in json.load(sys.stdin):
    log.info("said", value=value)
    log.info("kept", value=[value, {"inner": value}], error=ValueError(value), raw=value.encode("utf-8", "replace"))
    log.debug("unseen", value=value)
    library.warning("heard %s", value)
    try:
        raise RuntimeError(value)
    except RuntimeError:
        log.exception("failed")
        library.exception("failed too")
    logging.getLogger("twilio.http_client").info(value)
"""
HOSTILE = [
    "a\r\nb",
    "\nERROR forged line",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "\x07\x08\x0c\x0b\0",
    "\u2028\u2029\x85",
    "\u202eright to left",
    "%s %d {value}",
    *CANARIES,
    " ".join(CANARIES),
]
EVENTS_EACH = 5


def lines(form: str, values: list[str], level: str = "INFO") -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, form, level],
        env={**os.environ, **SECRETS},
        input=json.dumps(values).encode(),
        capture_output=True,
        check=True,
    )
    assert done.stdout == b""
    return done.stderr.decode().removesuffix("\n").split("\n")


@pytest.fixture(scope="module", params=["text", "json"])
def written(request: pytest.FixtureRequest) -> list[str]:
    return lines(request.param, HOSTILE)


def test_an_event_is_a_line_whatever_is_in_it(written: list[str]) -> None:
    assert len(written) == EVENTS_EACH * len(HOSTILE)


def test_no_control_character_reaches_the_terminal(written: list[str]) -> None:
    assert [line for line in written if not line.isprintable()] == []


def test_no_secret_is_written(written: list[str]) -> None:
    assert [(canary, line) for line in written for canary in CANARIES if canary in line] == []
    assert sum("[redacted]" in line for line in written) == EVENTS_EACH * (len(CANARIES) + 1)


def test_a_line_cannot_be_forged(written: list[str]) -> None:
    assert [line for line in written if line.startswith("ERROR forged")] == []


def test_text_begins_with_time_level_and_name() -> None:
    said, *_ = lines("text", ["hello"])
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO said value=hello", said)


def test_json_is_one_object_a_line_with_time_level_and_name() -> None:
    ours = [json.loads(line) for line in lines("json", ["hello", "a\nb"]) if line.startswith("{")]
    assert [(each["event"], each["level"]) for each in ours[:3]] == [
        ("said", "info"),
        ("kept", "info"),
        ("failed", "error"),
    ]
    assert ours[0]["value"] == "hello"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", ours[0]["timestamp"])


def test_libraries_that_log_what_passes_through_them_are_quiet_even_when_all_is_asked_for() -> None:
    assert [line for line in lines("text", ["+15557654321"], "DEBUG") if "twilio" in line] == []


def test_at_debug_our_own_details_are_shown() -> None:
    assert sum("unseen" in line for line in lines("text", ["hello"], "DEBUG")) == 1


def test_a_longer_secret_that_holds_a_shorter_one_leaves_nothing_behind() -> None:
    redactor = Redactor(frozenset({"canary", "canary-of-redis"}))
    assert redactor.clean("x canary-of-redis canary") == "x [redacted] [redacted]"


def test_what_is_no_text_stays_what_it_is() -> None:
    event = {"event": "delivery_sent", "delivery_id": 7, "seconds": 1.5, "recorded": True, "linked_to": None}
    assert Redactor(frozenset())(None, "", dict(event)) == event
