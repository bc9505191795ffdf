"""`frontdesk mailboxes`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from sandbox.client import wait_for
from tests.channels.email.imap_talk import PASSWORD, ImapServer
from tests.desk import Desk
from tests.workers.imap.watching import watching
from tests.workers.own_process import own_process
from workers.cli.mailboxes import mailboxes
from workers.cli.processes import imap
from workers.local.desk import LocalDesk, RunningDesk
from workers.settings import SettingsError

MAILBOX = {
    "IMAP_MAILBOXES": "support",
    "IMAP_SUPPORT_URL": "imaps://support%40desk.example@imap.desk.example",
    "IMAP_SUPPORT_PASSWORD": PASSWORD,
}


@pytest.fixture
def settings(environment: dict[str, str]) -> Iterator[None]:
    with own_process({**environment, **MAILBOX}):
        yield


def listed(*words: str) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(mailboxes, ["--json", *words])
    found: dict[str, object] = json.loads(done.stdout)
    return done.exit_code, found


@pytest.mark.usefixtures("settings")
def test_the_listing_tells_how_each_mailbox_is(desk: Desk, server: ImapServer) -> None:
    assert listed("--check") == (
        1,
        {
            "name": "support",
            "state": "not started",
            "last_fetch": None,
            "uidvalidity": None,
            "last_uid": None,
            "error": "",
        },
    )
    with watching(desk, server.account()):
        wait_for(lambda: desk.scalars("SELECT 1 FROM mailboxes WHERE state = 'watching'"), "the mailbox read")
    code, found = listed("--check")
    assert (code, found["state"], found["uidvalidity"], found["last_uid"]) == (0, "watching", 7, 9)


@pytest.mark.usefixtures("settings")
def test_the_check_fails_when_a_mailbox_has_not_been_read_for_long(desk: Desk) -> None:
    desk.scalars(
        "INSERT INTO mailboxes (name, place, state, fetched_at) "
        "VALUES ('support', 'x', 'watching', timezone('utc', now()) - interval '16 minutes') RETURNING 1"
    )
    assert (listed("--check")[0], listed()[1]["state"]) == (1, "silent")


def test_without_mailboxes_the_listing_says_so_and_the_door_does_not_start(environment: dict[str, str]) -> None:
    with own_process(environment):
        assert "IMAP_MAILBOXES is not set" in CliRunner().invoke(mailboxes).stdout
        assert isinstance(CliRunner().invoke(imap).exception, SettingsError)


def test_a_setting_that_is_wrong_stops_the_start_in_one_sentence(environment: dict[str, str]) -> None:
    with own_process({**environment, **MAILBOX, "IMAP_SUPPORT_URL": "imap://support%40desk.example@h/a%0Db"}):
        raised = CliRunner().invoke(imap).exception
        assert isinstance(raised, SettingsError)
        assert str(raised) == "IMAP_SUPPORT_URL holds control characters"


def test_up_runs_the_door_when_there_are_mailboxes_and_only_then(tmp_path: Path) -> None:
    for names, runs in (("", False), ("support", True)):
        desk = LocalDesk(folder=tmp_path, environment={"IMAP_MAILBOXES": names})
        programs = [program.name for program in RunningDesk(desk=desk, servers={}).programs()]
        assert ("imap" in programs) is runs
