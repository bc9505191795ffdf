"""The IMAP door over the real database: nothing is lost and nothing double, whatever happens around it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from channels.email.event import raw_event
from channels.email.imap_account import Account
from channels.email.imap_source import LARGEST_MAIL, Source
from sandbox.client import wait_for
from tests.channels.email.imap_talk import (
    USER,
    Act,
    Conversation,
    ImapServer,
    always,
    mail,
    once,
)
from tests.desk import Desk
from tests.workers.imap.watching import QUICK, arrived, counts, ingest, read_to, row, watching

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


def half_a_mail(talk: Conversation, _tag: str) -> None:
    talk.write("* 1 FETCH (UID 5 BODY[] {500}\r\nHello\r\n* BYE internal error")
    talk.hang_up()


def close(talk: Conversation, _tag: str) -> None:
    talk.hang_up()


def silence(_talk: Conversation, _tag: str) -> None:
    pass


def impatient(account: Account, secret: str, stopping: Callable[[], bool]) -> Source:
    return Source(account, secret, stopping, silence=1.0)


@pytest.mark.parametrize("act", [half_a_mail, close, silence])
def test_a_mail_at_which_a_connection_is_lost_once_is_read_over_the_next(
    desk: Desk, server: ImapServer, act: Act
) -> None:
    server.misbehave = once("UID FETCH 5 (BODY.PEEK[])", act)
    with watching(desk, server.account(), connect=impatient):
        read_to(desk, 9)
    ingest(desk)
    assert (counts(desk), server.conversations) == ((3, 0, 0), 2)


@pytest.mark.parametrize(
    ("asked", "act", "held", "conversations"),
    [
        ("UID FETCH 5 (BODY.PEEK[])", half_a_mail, "Message-ID: <m5@client.example>", 3),
        ("UID FETCH 5 (BODY.PEEK[])", close, "Message-ID: <m5@client.example>", 3),
        ("UID FETCH 5 (BODY.PEEK[])", silence, "Message-ID: <m5@client.example>", 3),
        ("UID FETCH 5 (BODY", close, "", 4),
    ],
)
def test_a_mail_at_which_every_connection_is_lost_is_set_aside_and_those_behind_it_are_read(
    desk: Desk, server: ImapServer, asked: str, act: Act, held: str, conversations: int
) -> None:
    server.misbehave = always(asked, act)
    with watching(desk, server.account(), replace(QUICK, idle=0.1, look_back_every=0.1), impatient):
        read_to(desk, 9)
        server.add(12, mail(12, "Body 12."))
        read_to(desk, 12)
        looked = server.told("SINCE")
        wait_for(lambda: server.told("SINCE") > looked + 1, "a look back")
    ingest(desk)
    assert (counts(desk), server.conversations) == ((3, 1, 0), conversations)
    assert server.told("UID FETCH 5 (BODY") == 3
    (failed,) = desk.scalars(
        "SELECT error || convert_from(payload, 'utf-8') FROM inbound_events WHERE status = 'failed'"
    )
    assert "breaks off whenever" in str(failed)
    assert held in str(failed)
