"""`frontdesk imap` as a process, and its thread, against real mail servers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox.client import wait_for
from tests.channels.email.imap_talk import mail
from tests.desk import Desk
from tests.workers.imap.mail_servers import PASSWORD, MailServer
from tests.workers.imap.watching import QUICK, arrived, counts, ingest, row, watching

FRONTDESK = [sys.executable, "-m", "workers"]
OURS = "address=support%40desk.example"


@contextmanager
def process(environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    everything = {"PATH": os.environ["PATH"], **environment}
    with log.open("wb") as out, subprocess.Popen([*FRONTDESK, "imap"], env=everything, stderr=out) as running:
        try:
            yield running
        finally:
            running.kill()


def test_the_process_reads_what_is_there_and_what_comes_and_stops_at_once(
    desk: Desk, environment: dict[str, str], mail_server: MailServer, tmp_path: Path
) -> None:
    user = mail_server.somebody()
    settings = environment | mail_server.settings(OURS, user)
    mail_server.put([mail(1, "Body 1.")], user)
    with process(settings, tmp_path / "log") as running:
        arrived(desk, 1)
        wait_for(lambda: row(desk)["state"] == "watching", "the mailbox read")
        mail_server.put([mail(2, "Body 2.")], user)
        arrived(desk, 2)
        asked = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
        assert time.monotonic() - asked < 5
    printed = (tmp_path / "log").read_text()
    assert [word for word in (PASSWORD, "client.example", user, "Body") if word in printed] == []
    assert "imap_stopped" in printed


def test_a_folder_made_anew_is_read_anew_and_nothing_is_lost_or_double(desk: Desk, mail_server: MailServer) -> None:
    user = mail_server.somebody()
    account = replace(mail_server.account(OURS, user), folder="Desk")
    first = [mail(number, f"Body {number}.") for number in range(5)]
    with mail_server.client(user) as client:
        for mails in (first, [mail(9, "Body 9."), *first]):
            if client.folder_exists("Desk"):
                client.delete_folder("Desk")
            client.create_folder("Desk")
            for content in mails:
                client.append("Desk", content)
            with watching(desk, account, replace(QUICK, idle=0.5)):
                arrived(desk, 5 if mails is first else 6)
                wait_for(lambda: row(desk)["state"] == "watching", "the mailbox read")
        client.delete_folder("Desk")
    ingest(desk)
    assert counts(desk) == (6, 0, 0)


def test_stored_mails_are_moved_on_a_real_server(desk: Desk, mail_server: MailServer) -> None:
    user = mail_server.somebody()
    mail_server.put([mail(number) for number in range(3)], user)
    with mail_server.client(user) as client:
        if not client.folder_exists("Done Mails"):
            client.create_folder("Done Mails")
        with watching(desk, mail_server.account(f"{OURS}&then=move:Done%20Mails", user)):
            wait_for(lambda: client.folder_status("Done Mails", ["MESSAGES"])[b"MESSAGES"] == 3, "three moves", 20)
    assert desk.count("inbound_events") == 3


def test_a_folder_that_is_not_there_is_said_until_it_is(desk: Desk, mail_server: MailServer) -> None:
    user = mail_server.somebody()
    account = replace(mail_server.account(OURS, user), folder="Later")
    with watching(desk, account), mail_server.client(user) as client:
        wait_for(lambda: desk.scalars("SELECT 1 FROM mailboxes WHERE state = 'failing'"), "trouble")
        assert "is there the folder" in row(desk)["error"]
        client.create_folder("Later")
        client.append("Later", mail(1))
        arrived(desk, 1)
        wait_for(lambda: row(desk)["state"] == "watching", "the mailbox read")
        client.delete_folder("Later")
