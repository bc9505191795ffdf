"""The cursor of a mailbox, and trouble of every kind: nothing is lost and nothing double."""

import imaplib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from channels.base import RawEvent
from channels.email.imap_account import Account
from channels.email.imap_source import Source
from sandbox.client import wait_for
from tests.channels.email.imap_talk import (
    PASSWORD,
    Act,
    Conversation,
    ImapServer,
    always,
    imap_server,
    mail,
    once,
)
from tests.desk import Desk
from tests.workers.imap.watching import QUICK, arrived, read_to, row, waits, watching
from workers.inbox import Inbox

BODIES = ["Body 3.", "Body 5.", "Body 9."]


# The cursor


def test_when_the_server_counts_anew_nothing_is_lost_and_nothing_double(desk: Desk, server: ImapServer) -> None:
    with watching(desk, server.account()):
        read_to(desk, 9)
    server.uidvalidity, old = 8, list(server.mails.values())
    server.mails = dict(enumerate([*old, mail(77, "Body 77.")], start=1))
    with watching(desk, server.account()):
        read_to(desk, 4)
    assert (row(desk)["uidvalidity"], desk.count("inbound_events")) == (8, 4)


def test_when_the_server_counts_anew_after_a_long_time_the_look_back_goes_as_far(
    desk: Desk, server: ImapServer
) -> None:
    with watching(desk, server.account()):
        read_to(desk, 9)
    (day,) = desk.scalars("UPDATE mailboxes SET fetched_at = fetched_at - interval '30 days' RETURNING fetched_at")
    assert isinstance(day, datetime)
    server.uidvalidity = 8
    server.add(12, mail(12, "Body 12."))
    with watching(desk, server.account()):
        read_to(desk, 12)
    assert server.told(f"SINCE {day - timedelta(days=1):%d-%b-%Y}") == 1


class Away(Inbox):
    """An inbox whose database goes away when the first mail is to be stored."""

    tries = 0

    def accept(self, events: Sequence[RawEvent]) -> int:
        self.tries += 1
        if self.tries == 1:
            raise OperationalError("INSERT", None, RuntimeError())
        return super().accept(events)


def test_the_cursor_never_moves_before_the_mail_is_stored(desk: Desk, server: ImapServer) -> None:
    with watching(desk, server.account()):
        read_to(desk, 9)
    server.old = {12}
    server.add(12, mail(12, "Body 12."))
    desk.inbox = Away(desk.tools.database, lambda _: None)
    with watching(desk, server.account()):
        read_to(desk, 12)
    assert desk.count("inbound_events") == 4


def test_a_cursor_beyond_what_the_server_has_given_out_does_not_hold(desk: Desk, server: ImapServer) -> None:
    server.uid_next = 4_000_000_000
    with watching(desk, server.account()):
        read_to(desk, 3_999_999_999)
    server.uid_next = 0
    server.add(12, mail(12, "Body 12."))
    with watching(desk, server.account()):
        read_to(desk, 12)
    assert desk.count("inbound_events") == 4


def test_a_mail_that_shows_up_below_the_cursor_is_found_by_looking_back(desk: Desk, server: ImapServer) -> None:
    with watching(desk, server.account(), replace(QUICK, idle=0.1, look_back_every=0.1)):
        read_to(desk, 9)
        server.add(4, mail(4, "Body 4."))
        arrived(desk, 4)
    assert server.told("UID FETCH 9 (BODY.PEEK[])") == 1


def test_another_account_under_the_same_name_is_read_from_its_own_beginning(desk: Desk, server: ImapServer) -> None:
    with watching(desk, server.account()):
        read_to(desk, 9)
    with imap_server(ImapServer(mails={2: mail(2, "Body 2.")})) as other, watching(desk, other.account()):
        read_to(desk, 2)
    assert desk.count("inbound_events") == 4


# Trouble


@pytest.mark.parametrize("at", ["greeting", "CAPABILITY", "LOGIN", "EXAMINE", "NOOP", "SEARCH", "RFC822.SIZE", "IDLE"])
def test_a_connection_cut_anywhere_loses_nothing_and_doubles_nothing(desk: Desk, server: ImapServer, at: str) -> None:
    def cut_after(words: str) -> Act:
        def cut(talk: Conversation, _tag: str) -> None:
            talk.write(words.encode())
            talk.hang_up()

        return cut

    half_a_line = "* 1 FETCH (UID 5 "
    server.misbehave = once(at, cut_after(""), cut_after("* "), cut_after(half_a_line))
    with watching(desk, server.account()):
        read_to(desk, 9)
        server.add(12, mail(12, "Body 12."))
        read_to(desk, 12)
    assert (desk.count("inbound_events"), server.conversations) == (4, 4)


def test_a_mail_removed_while_it_is_read_keeps_nothing_back(desk: Desk, server: ImapServer) -> None:
    def remove(talk: Conversation, tag: str) -> None:
        del server.mails[5]
        talk.write(f"* 2 EXPUNGE\r\n{tag} OK done")

    server.misbehave = once("UID FETCH 5 (BODY.PEEK[])", remove)
    with watching(desk, server.account()):
        read_to(desk, 9)
    assert desk.count("inbound_events") == 2


def test_a_server_that_is_away_is_reached_again(desk: Desk) -> None:
    with imap_server(ImapServer()) as gone:
        account = gone.account()
    with watching(desk, account):
        wait_for(lambda: desk.scalars("SELECT error FROM mailboxes WHERE state = 'failing'"), "trouble")
        assert "cannot be reached" in row(desk)["error"]
        with imap_server(ImapServer(mails={1: mail(1)}, port=account.port)):
            read_to(desk, 1)


def test_a_refused_login_is_said_and_not_tried_over_and_over(desk: Desk, server: ImapServer) -> None:
    account = replace(server.account(), password="wrong")
    with capture_logs() as lines, watching(desk, account, replace(QUICK, wait_when_refused=60)):
        wait_for(lambda: desk.scalars("SELECT error FROM mailboxes WHERE error <> ''"), "trouble")
    (wait,) = waits(lines)
    assert (row(desk)["state"], server.conversations, wait >= 30) == ("failing", 1, True)
    assert row(desk)["error"].startswith("the server refuses the login: check IMAP_SUPPORT_URL")


@contextmanager
def away(desk: Desk) -> Iterator[None]:
    """Take the desk's database away from everybody."""
    url = make_url(desk.tools.settings.database_url)
    server = url.set(database="postgres", drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        allow = f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS".encode()
        connection.execute(allow + b" false")
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(end.encode(), [url.database])
        try:
            yield
        finally:
            connection.execute(allow + b" true")


def test_with_the_database_away_mail_waits_and_comes_after_it(desk: Desk, server: ImapServer) -> None:
    with ExitStack() as gone, capture_logs() as lines, watching(desk, server.account()):
        read_to(desk, 9)

        def take_away(talk: Conversation, tag: str) -> None:
            gone.enter_context(away(desk))
            talk.answer(tag, "UID", "FETCH 13 (BODY.PEEK[])")

        server.misbehave = once("UID FETCH 13 (BODY.PEEK[])", take_away)
        server.mails |= {12: mail(12, "Body 12."), 13: mail(13, "Body 13.")}
        wait_for(lambda: "the database does not answer" in str(lines), "trouble")
        gone.close()
        read_to(desk, 13)
    assert desk.count("inbound_events") == 5


def test_two_doors_do_no_harm_and_the_second_takes_over(desk: Desk, server: ImapServer) -> None:
    with watching(desk, server.account()) as first:
        read_to(desk, 9)
        with capture_logs() as lines, watching(desk, server.account()):
            wait_for(lambda: "mailbox_stands_by" in str(lines), "the second to stand by")
            assert server.conversations == 1
            first.stop()
            server.add(12, mail(12, "Body 12."))
            read_to(desk, 12)
    assert (server.conversations, desk.count("inbound_events")) == (2, 4)


def test_a_mailbox_that_is_not_read_for_long_is_called_silent_until_it_is(desk: Desk, server: ImapServer) -> None:
    server.misbehave = always("greeting", lambda talk, _: talk.hang_up())
    with capture_logs() as lines, watching(desk, server.account(), replace(QUICK, silent=0.5)) as watch:

        def said() -> list[str]:
            watch.check()
            return [str(line["event"]) for line in lines if line["event"] in {"mailbox_silent", "mailbox_recovered"}]

        wait_for(lambda: said() == ["mailbox_silent"], "silence")
        server.misbehave = once("greeting")
        wait_for(lambda: said() == ["mailbox_silent", "mailbox_recovered"], "recovery")


def test_whatever_breaks_the_thread_goes_on_and_nothing_secret_is_said(desk: Desk, server: ImapServer) -> None:
    failures: list[Exception] = [RecursionError(PASSWORD), KeyError(PASSWORD), imaplib.IMAP4.error(PASSWORD)]

    def connect(account: Account, secret: str, stopping: object) -> Source:
        if failures:
            raise failures.pop()
        return Source(account, secret, lambda: bool(stopping) and False)

    with capture_logs() as lines, watching(desk, server.account(), connect=connect):
        read_to(desk, 9)
    assert PASSWORD not in str(lines)
    assert sum(line["event"] == "mailbox_trouble" for line in lines) == 3
