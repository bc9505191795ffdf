"""The web door is away for longer than Slack repeats a call (Twilio repeats none): what was said is found later."""

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.client import wait_for
from tests.acceptance.conftest import Running

ANSWERS = 50
TEXTS = 50
# The ten minutes in which the texts came, and how long ago they ended: what is younger may still be called about.
WHILE, SINCE = 600.0, 120.0
PHONES = 5

MESSAGES = """
SELECT source.channel, message.body FROM messages message JOIN message_sources source ON source.message_id = message.id
WHERE message.body LIKE %(run)s ORDER BY message.id
"""

NEVER_ASKED = """
SELECT count(*) FROM department_external_ids WHERE type <> 'email' AND value NOT IN (SELECT value FROM reconciliations)
"""

EARLIER = "UPDATE reconciliations SET complete_until = complete_until - interval '30 minutes' RETURNING value"


@contextmanager
def no_web_door(running: Running) -> Iterator[None]:
    """Sit on the door's port without listening: calls are refused, and the door cannot come back."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        running.kill("web")
        wait_for(lambda: bound(taken, running.ports.web), "the door's port")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        yield
    running.supervisor.wait_until_ready("web")


def bound(taken: socket.socket, port: int) -> bool:
    try:
        taken.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def reconcile(running: Running) -> None:
    """Let the desk look for what it missed now; by itself it does every two minutes."""
    command = ["-m", "celery", "--app", "workers.app", "call", "housekeeping.reconcile", "--queue", "housekeeping"]
    subprocess.run([sys.executable, *command], env={**os.environ, **running.env}, check=True, capture_output=True)


def test_what_was_said_while_the_web_door_was_away_is_taken_in_once_and_in_order(running: Running) -> None:
    run = uuid.uuid4().hex
    reconcile(running)
    wait_for(lambda: running.one(NEVER_ASKED) == 0, "the desk's first look", 30)
    running.sandbox.text("+15557000000", "+15550100001", f"{run} before")
    channel, ts = running.thread_of(running.ticket_of(f"{run} before"))
    answers = [f"{run} answer {number:02}" for number in range(ANSWERS)]
    texts = [f"{run} text {number:02}" for number in range(TEXTS)]
    with no_web_door(running):
        for number in range(TEXTS):
            ago, phone = SINCE + WHILE - number * WHILE / TEXTS, f"+1555700{number % PHONES:04}"
            running.sandbox.text(phone, "+15550100001", f"{run} text {number:02}", ago=ago)
            running.sandbox.text(f"whatsapp:{phone}", "whatsapp:+15550100002", f"{run} text {number:02}", ago=ago)
        for body in answers:
            running.sandbox.say("U0ADA", channel, body, thread_ts=ts)
        wait_for(lambda: all_given_up(running, f"{run} answer"), "the last of Slack's retries", 60)
    running.rows(EARLIER)  # the texts are older than they would be, and a look of the desk's own may have come between
    reconcile(running)
    wait_for(lambda: len(running.rows(MESSAGES, run=f"{run}%")) > 2 * TEXTS, "every message", 120)
    wait_for(lambda: len(sent(running, run)) >= ANSWERS, "every answer", 120)
    running.settle()
    found = running.rows(MESSAGES, run=f"{run}%")
    assert sorted(body for channel, body in found if channel == "sms") == [f"{run} before", *texts]
    assert sorted(body for channel, body in found if channel == "whatsapp") == texts
    assert sent(running, run) == answers


def sent(running: Running, run: str) -> list[str]:
    bodies = [str(effect["body"]) for effect in running.sandbox.ledger("twilio", "message")]
    return [body for body in bodies if body.startswith(run)]


def all_given_up(running: Running, words: str) -> bool:
    """Say whether Slack has made every call about these words as often as it makes one, in vain."""
    made = [each for each in running.sandbox.webhooks("slack/events") if words in each["body"]]
    return len(made) == ANSWERS and all(len(each["attempts"]) == 4 for each in made)
