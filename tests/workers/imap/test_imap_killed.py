"""The door's process killed at every point of its work, against real servers, twenty times at each at length."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping

import pytest

from sandbox.client import wait_for
from tests.at_length import times
from tests.desk import Desk
from tests.workers.imap.hostile_mails import mails
from tests.workers.imap.mail_servers import MailServer
from tests.workers.imap.watching import counts, ingest, row

KILLS = times(20, 1)
POINTS = ("fetched", "committed", "flagged")
NEVER = 1_000_000


def door(environment: Mapping[str, str], point: str, count: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.workers.imap.killed_door", point, str(count)]
    everything = {"PATH": os.environ["PATH"], **environment}
    return subprocess.Popen(command, env=everything, stderr=subprocess.DEVNULL)


@pytest.mark.timeout(60 + KILLS * 60)
def test_a_door_killed_at_every_point_loses_no_mail_and_doubles_none(
    desk: Desk, environment: dict[str, str], mail_server: MailServer
) -> None:
    user, count = mail_server.somebody(), 200 if mail_server.keeps_flags or KILLS > 1 else 40
    mail_server.put(mails(count), user)
    then = "then=flag:$Frontdesk&" if mail_server.keeps_flags else ""
    settings = environment | mail_server.settings(f"{then}address=support%40desk.example", user)
    killed = 0
    for number in range(KILLS):
        for point in POINTS:
            with door(settings, point, 1 + number % 4) as process:
                killed += process.wait(60) == -signal.SIGKILL
    with door(settings, "never", NEVER) as process:
        wait_for(lambda: desk.scalars("SELECT 1 FROM mailboxes WHERE state = 'watching'"), "the mailbox read", 60)
        process.terminate()
        assert process.wait(10) == 0
    ingest(desk)
    found, unseen = counts(desk), _unseen(mail_server, user)
    print(f"{killed} kills: {found[0]} messages, {found[1]} set aside, {found[2]} double; {unseen} still unseen")  # noqa: T201 (the counts are the result)
    assert (killed, found, unseen) == (KILLS * len(POINTS), (count * 3 // 4, count // 4, 0), count)
    assert row(desk)["error"] == ""


def _unseen(server: MailServer, user: str) -> int:
    with server.client(user) as client:
        client.select_folder("INBOX", readonly=True)
        return len(client.search("UNSEEN"))
