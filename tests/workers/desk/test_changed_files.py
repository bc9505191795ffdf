"""Files that an agent takes out of an answer while it can still be edited."""

from base64 import b64decode
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from sandbox.client import file
from tests.desk import Desk

HOLD = 5.0
FORM, SALARIES = file("form.txt", b"the form"), file("salaries.txt", b"the salaries")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "REPLY_HOLD_SECONDS": str(HOLD)}


@pytest.fixture
def thread(desk: Desk) -> str:
    desk.mail("Please send the form.")
    desk.work()
    return desk.thread()


def sent_files(desk: Desk) -> list[list[str]]:
    mails = (message_from_bytes(b64decode(each["raw_base64"]), policy=default) for each in desk.mailbox())
    return [[str(each.get_filename()) for each in mail.iter_attachments()] for mail in mails]


def answer(desk: Desk, body: str, *, thread: str) -> dict[str, Any]:
    """Let an agent write with two files, and return the message as Slack has it."""
    ts = desk.sandbox.say("U0ADA", "C0SUPPORT", body, thread_ts=thread, files=[FORM, SALARIES])
    desk.hand_in(int(desk.sandbox.webhooks("slack/events")[-1]["id"]))
    desk.ingest()
    return next(each for each in desk.sandbox.thread("C0SUPPORT", thread) if each["ts"] == ts)


def take_out(desk: Desk, said: dict[str, Any], *places: int, text: str | None = None) -> None:
    """Let the files at these places be deleted from a message, and the hold pass."""
    files = [{"id": each["id"], "mode": "tombstone"} if n in places else each for n, each in enumerate(said["files"])]
    after = {**said, "files": files, "text": said["text"] if text is None else text}
    event = {"type": "message", "subtype": "message_changed", "channel": "C0SUPPORT", "ts": f"{said['ts']}9"}
    desk.slack({**event, "message": after, "previous_message": said})
    desk.work()
    desk.let_pass(HOLD + 1)


def test_a_file_deleted_within_the_hold_is_not_sent_and_the_others_are(desk: Desk, thread: str) -> None:
    take_out(desk, answer(desk, "Here is the form.", thread=thread), 1)
    assert sent_files(desk) == [["form.txt"]]
    assert desk.mailbox()[0]["text"].startswith("Here is the form.")


def test_of_an_answer_without_text_what_is_left_is_sent(desk: Desk, thread: str) -> None:
    take_out(desk, answer(desk, "", thread=thread), 1)
    assert sent_files(desk) == [["form.txt"]]


def test_an_answer_that_has_neither_text_nor_files_left_is_not_sent(desk: Desk, thread: str) -> None:
    take_out(desk, answer(desk, "", thread=thread), 0, 1)
    take_out(desk, answer(desk, "See here.", thread=thread), 0, 1, text="")
    assert (sent_files(desk), desk.notes()) == ([], [])


def test_an_edit_of_the_text_keeps_the_files(desk: Desk, thread: str) -> None:
    take_out(desk, answer(desk, "Here is the from.", thread=thread), text="Here is the form.")
    assert sent_files(desk) == [["form.txt", "salaries.txt"]]
    assert desk.mailbox()[0]["text"].startswith("Here is the form.")
