"""What a hostile or broken mail server can do to us, over real sockets: bounded, and one mail at a time."""

import imaplib
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from channels.email.imap_account import Account
from channels.email.imap_source import NotGiven, Source
from channels.email.imap_wire import Overrun
from tests.channels.email.imap_talk import PASSWORD, Act, Conversation, ImapServer, imap_server, mail, once


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with imap_server(ImapServer(mails={3: mail(3), 9: mail(9)})) as running:
        yield running


@contextmanager
def connected(account: Account) -> Iterator[Source]:
    with closing(Source(account, PASSWORD, lambda: False)) as source:
        yield source


def test_one_mail_that_is_not_given_out_keeps_none_of_the_others(server: ImapServer) -> None:
    server.misbehave = once("BODY.PEEK[]", lambda talk, tag: talk.write(f"{tag} NO internal error"))
    with connected(server.account()) as source:
        with pytest.raises(NotGiven):
            source.fetch(3)
        assert source.fetch(9) == mail(9)


@pytest.mark.parametrize(
    "answer",
    [
        "* 1 FETCH (UID 3 BODY[] NIL)",
        "* 1 FETCH (UID 3 BODY[] 12)",
        "* 1 FETCH (UID 3",
        "* 1 FETCH (UID 3 BODY[] " + "(" * 10_000,
        "* 1 FETCH UID",
        "* 1 FETCH (UID x BODY[] y)",
        '* 1 FETCH (UID 3 BODY[] "a',
        "* 1 FETCH (FLAGS ())",
    ],
)
def test_nonsense_in_place_of_a_mail_is_that_mails_trouble_alone(server: ImapServer, answer: str) -> None:
    server.misbehave = once("BODY.PEEK[]", lambda talk, tag: talk.write(f"{answer}\r\n{tag} OK done"))
    with connected(server.account()) as source:
        with pytest.raises(NotGiven):
            source.fetch(3)
        assert source.fetch(9) == mail(9)


def test_the_mail_of_another_uid_is_not_taken_for_the_one_asked_for(server: ImapServer) -> None:
    server.misbehave = once(
        "BODY.PEEK[]", lambda talk, tag: talk.write(f'* 1 FETCH (UID 9 BODY[] "x")\r\n{tag} OK done')
    )
    with connected(server.account()) as source, pytest.raises(NotGiven):
        source.fetch(3)


@pytest.mark.parametrize("answer", ["OK done", "NO [EXPUNGEISSUED] gone"])
def test_a_mail_that_is_removed_in_between_is_gone(server: ImapServer, answer: str) -> None:
    def remove(talk: Conversation, tag: str) -> None:
        del server.mails[3]
        talk.write(f"* 1 EXPUNGE\r\n{tag} {answer}")

    server.misbehave = once("BODY.PEEK[]", remove)
    with connected(server.account()) as source:
        assert source.sizes([3, 9]) == {3: len(mail(3)), 9: len(mail(9))}
        assert (source.fetch(3), source.fetch(9)) == (None, mail(9))


def test_uids_that_imap_does_not_have_are_not_believed(server: ImapServer) -> None:
    def lie(talk: Conversation, tag: str) -> None:
        talk.write(f"* SEARCH 0 9 9 3 4294967296 99999999999999999999\r\n{tag} OK done")

    server.misbehave = once("SEARCH", lie)
    with connected(server.account()) as source:
        assert source.after(0) == [3, 9]


def endless_lines(talk: Conversation, _tag: str) -> None:
    for _ in range(1_000):
        talk.write(b"* 1 FETCH (FLAGS (a))\r\n" * 1_000)


def endless_line(talk: Conversation, _tag: str) -> None:
    talk.write(b"* SEARCH")
    for _ in range(64):
        talk.write(b" 1234567" * 65_536)


def huge_literal(talk: Conversation, _: str) -> None:
    talk.write(b"* 1 FETCH (UID 3 BODY[] {2147483648}\r\n" + b"x" * 100_000)


def many_literals(talk: Conversation, _tag: str) -> None:
    for _ in range(100):
        talk.write(b"* 1 FETCH (UID 3 BODY[] {1000000}\r\n" + b"x" * 1_000_000 + b")\r\n")


def test_a_server_that_sends_lines_without_end_is_left(server: ImapServer) -> None:
    server.misbehave = once("BODY.PEEK[]", endless_lines)
    with connected(server.account()) as source, pytest.raises(Overrun):
        source.fetch(3)


@pytest.mark.parametrize("act", [endless_line, huge_literal, many_literals])
def test_what_a_server_says_is_bounded_in_memory_and_ends_the_connection(server: ImapServer, act: Act) -> None:
    server.misbehave = once("BODY.PEEK[]", act)
    with connected(server.account()) as source:
        tracemalloc.start()
        with pytest.raises(Overrun):
            source.fetch(3)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 100 * 1024 * 1024


@pytest.mark.parametrize("kept", range(0, 60, 7))
def test_a_connection_cut_anywhere_in_a_mail_gives_no_part_of_it(server: ImapServer, kept: int) -> None:
    def cut(talk: Conversation, _: str) -> None:
        talk.write((b"* 1 FETCH (UID 3 BODY[] {40}\r\n" + b"x" * 40 + b")\r\n")[:kept])
        talk.hang_up()

    server.misbehave = once("BODY.PEEK[]", cut)
    with connected(server.account()) as source, pytest.raises((imaplib.IMAP4.abort, OSError)):
        source.fetch(3)


def test_a_goodbye_within_a_mail_gives_no_part_of_it(server: ImapServer) -> None:
    def leave(talk: Conversation, _: str) -> None:
        talk.write("* 1 FETCH (UID 3 BODY[] {400}\r\nHello\r\n* BYE shutting down")
        talk.hang_up()

    server.misbehave = once("BODY.PEEK[]", leave)
    with connected(server.account()) as source, pytest.raises((imaplib.IMAP4.abort, OSError)):
        source.fetch(3)


@pytest.mark.parametrize("said", ["7x", "0", "4294967296", "-1", ""])
def test_a_uidvalidity_that_is_none_opens_no_folder(server: ImapServer, said: str) -> None:
    def lie(talk: Conversation, tag: str) -> None:
        talk.write(f"* 2 EXISTS\r\n* OK [UIDVALIDITY {said}] x\r\n{tag} OK [READ-ONLY] done")

    server.misbehave = once("EXAMINE", lie)
    with pytest.raises(ValueError, match=r"."), connected(server.account()):
        pass
