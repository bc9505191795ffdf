"""The IMAP door over the real database: nothing is lost and nothing double, whatever happens around it."""

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
from channels.email.event import raw_event
from channels.email.imap_account import Account
from channels.email.imap_source import LARGEST_MAIL, Source
from sandbox.client import wait_for
from tests.channels.email.imap_talk import (
    PASSWORD,
    USER,
    Act,
    Conversation,
    ImapServer,
    always,
    imap_server,
    mail,
    once,
)
from tests.desk import Desk
from tests.workers.imap.watching import QUICK, arrived, counts, ingest, read_to, row, settled, watching
from workers.inbox import Inbox

BODIES = ["Body 3.", "Body 5.", "Body 9."]


def test_a_mail_in_a_mailbox_becomes_a_ticket_and_the_cursor_moves_behind_it(desk: Desk, server: ImapServer) -> None:
    server.mails = {9: mail(9)}
    with watching(desk, server.account()):
        read_to(desk, 9)
    desk.work()
    assert desk.bodies() == ["It burns."]
    (facts,) = desk.scalars("SELECT facts FROM inbound_events")
    assert facts == {"via": "imap", "mailbox": "support", "address": USER, "rcpt_tos": [USER]}
    found = row(desk)
    assert (found["uidvalidity"], found["last_uid"], found["state"], found["error"]) == (7, 9, "watching", "")


def test_mail_that_comes_while_we_wait_is_read_at_once(desk: Desk, server: ImapServer) -> None:
    with watching(desk, server.account(), replace(QUICK, idle=60)):
        read_to(desk, 9)
        server.add(12, mail(12, "Body 12."))
        read_to(desk, 12)
    assert desk.count("inbound_events") == 4


def test_a_restart_goes_on_behind_the_cursor(desk: Desk, server: ImapServer) -> None:
    with watching(desk, server.account()):
        read_to(desk, 9)
    server.add(12, mail(12, "Body 12."))
    with watching(desk, server.account()):
        read_to(desk, 12)
    ingest(desk)
    assert sorted(desk.scalars("SELECT body FROM messages")) == ["Body 12.", *BODIES]  # type: ignore[type-var]


@pytest.mark.parametrize("without", [b"", b"Message-ID"], ids=["named", "without a Message-ID"])
def test_the_same_mail_by_smtp_and_by_imap_is_one_row(desk: Desk, server: ImapServer, without: bytes) -> None:
    original = b"Date: Mon, 2 Nov 2026 09:15:00 +0100\r\n" + mail(1, to=f"{USER}, jane@elsewhere.example")
    original = original.replace(without, b"X-Nothing") if without else original
    on_its_way = b"Delivered-To: support+x@desk.example\r\nReceived: from here; Mon, 2 Nov 2026\r\n"
    server.mails = {1: on_its_way + original, 2: on_its_way + original.replace(b"burns", b"smokes")}
    by_smtp = b"Received: from there; Mon, 2 Nov 2026\r\n" + original
    desk.accept(raw_event(by_smtp, mail_from="cleo@client.example", rcpt_tos=[USER], peer="", mailboxes=[USER]))
    with watching(desk, server.account()):
        read_to(desk, 2)
    assert desk.count("inbound_events") == 2


@pytest.mark.parametrize("header", ["X-Gm-Original-To", "Delivered-To", "X-Original-To", "Envelope-To", "Cc"])
def test_without_an_envelope_the_headers_say_which_department_is_meant(
    desk: Desk, server: ImapServer, header: str
) -> None:
    server.mails = {1: f"{header}: billing@desk.example\r\n".encode() + mail(1, to="undisclosed@elsewhere.example")}
    with watching(desk, server.account()):
        read_to(desk, 1)
    ingest(desk)
    assert desk.scalars("SELECT name FROM departments JOIN tickets ON department_id = departments.id") == ["Billing"]


def test_a_mail_that_names_none_of_us_belongs_to_the_mailbox_it_lies_in(desk: Desk, server: ImapServer) -> None:
    server.mails = {1: mail(1, to="undisclosed@elsewhere.example")}
    with watching(desk, server.account("address=billing%40desk.example")):
        read_to(desk, 1)
    ingest(desk)
    assert desk.scalars("SELECT name FROM departments JOIN tickets ON department_id = departments.id") == ["Billing"]
    assert desk.scalars("SELECT recipient FROM message_sources") == ["billing@desk.example"]


def test_a_mailbox_whose_address_no_department_has_says_so(desk: Desk, server: ImapServer) -> None:
    with watching(desk, server.account("address=nobody%40desk.example")):
        read_to(desk, 9)
    assert row(desk)["error"].startswith("no department has its address")


# What becomes of a mail afterwards


def test_stored_mails_are_moved_where_asked(desk: Desk, server: ImapServer) -> None:
    with watching(desk, server.account("then=move:Archive")):
        wait_for(lambda: len(server.folders["Archive"]) == 3, "three moves")
    assert (desk.count("inbound_events"), server.mails) == (3, {})


def test_a_folder_that_is_not_there_is_said_and_the_mails_are_stored_all_the_same(
    desk: Desk, server: ImapServer
) -> None:
    with watching(desk, server.account("then=move:Nowhere")):
        read_to(desk, 9)
    assert (desk.count("inbound_events"), len(server.mails)) == (3, 3)
    assert "cannot be moved" in row(desk)["error"]


# One bad mail among good ones


def test_a_mail_over_the_limit_is_set_aside_with_its_headers_and_stays_where_it_is(
    desk: Desk, server: ImapServer
) -> None:
    def claim(talk: Conversation, tag: str) -> None:
        sizes = {3: 100, 5: LARGEST_MAIL + 1, 9: 100}
        for uid, size in sizes.items():
            talk.write(f"* 1 FETCH (UID {uid} RFC822.SIZE {size})")
        talk.write(f"{tag} OK done")

    server.misbehave = always("RFC822.SIZE", claim)
    with watching(desk, server.account("then=flag:$Frontdesk")):
        read_to(desk, 9)
    ingest(desk)
    assert counts(desk) == (2, 1, 0)
    failed = desk.scalars("SELECT error || convert_from(payload, 'utf-8') FROM inbound_events WHERE status = 'failed'")
    assert "larger than 35 MiB" in str(failed[0])
    assert "Message-ID: <m5@client.example>" in str(failed[0])
    assert set(server.flags) == {3, 9}
    assert server.told("UID FETCH 5 (BODY.PEEK[])") == 0


def huge_literal(talk: Conversation, _tag: str) -> None:
    talk.write(b"* 1 FETCH (UID 5 BODY[] {2147483648}\r\n" + b"x" * 10_000)


def no(talk: Conversation, tag: str) -> None:
    talk.write(f"{tag} NO [SERVERBUG] internal error")


def nonsense(talk: Conversation, tag: str) -> None:
    talk.write(f'* 1 FETCH (UID 5 BODY[] "\r\n{tag} OK done')


@pytest.mark.parametrize("act", [huge_literal, no, nonsense])
def test_a_mail_that_cannot_be_had_is_set_aside_and_the_others_are_read(
    desk: Desk, server: ImapServer, act: Act
) -> None:
    server.misbehave = always("UID FETCH 5 (BODY.PEEK[])", act)
    with watching(desk, server.account()):
        read_to(desk, 9)
    ingest(desk)
    assert counts(desk) == (2, 1, 0)


def test_a_mail_that_the_server_gives_out_later_is_read_then(desk: Desk, server: ImapServer) -> None:
    server.misbehave = once("UID FETCH 5 (BODY.PEEK[])", no)
    with watching(desk, server.account(), replace(QUICK, idle=0.1, look_back_every=0.1)):
        arrived(desk, 4)
    ingest(desk)
    assert counts(desk) == (3, 1, 0)


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


@pytest.mark.parametrize(
    "at", ["greeting", "CAPABILITY", "LOGIN", "EXAMINE", "NOOP", "SEARCH", "RFC822.SIZE", "FETCH 5 (BODY", "IDLE"]
)
def test_a_connection_cut_anywhere_loses_nothing_and_doubles_nothing(desk: Desk, server: ImapServer, at: str) -> None:
    def cut_after(words: str) -> Act:
        def cut(talk: Conversation, _tag: str) -> None:
            talk.write(words.encode())
            talk.hang_up()

        return cut

    half_a_mail = "* 1 FETCH (UID 5 BODY[] {500}\r\nHello\r\n* BYE go away\r\n"
    server.misbehave = once(at, cut_after(""), cut_after("* "), cut_after(half_a_mail))
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
    with watching(desk, account, replace(QUICK, wait_when_refused=60)):
        wait_for(lambda: desk.scalars("SELECT error FROM mailboxes WHERE error <> ''"), "trouble")
        settled()
    assert (row(desk)["state"], server.conversations) == ("failing", 1)
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
        with watching(desk, server.account()):
            settled()
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
        server.misbehave = once("never", no)
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
