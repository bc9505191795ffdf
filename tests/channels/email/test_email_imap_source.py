"""A mailbox on its server, over real sockets: what is asked, what is believed, and what a hostile server can do."""

import imaplib
import ssl
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from channels.email.imap_account import Account
from channels.email.imap_source import NotDone, NotGiven, Source, trouble
from channels.email.imap_wire import Overrun, Stopped
from channels.email.oauth import SignInRefused
from channels.errors import TryLater
from tests.channels.email.certificates import serving, trusting, write_certificate
from tests.channels.email.imap_talk import PASSWORD, Act, Conversation, ImapServer, always, imap_server, mail, once


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with imap_server(ImapServer(mails={3: mail(3), 9: mail(9)})) as running:
        yield running


@contextmanager
def connected(account: Account, secret: str = PASSWORD) -> Iterator[Source]:
    with closing(Source(account, secret, lambda: False)) as source:
        yield source


# What is asked


def test_a_mail_comes_byte_for_byte_and_stays_unseen(server: ImapServer) -> None:
    server.mails[4] = mail(4, body="\0\xff {12}\r\n)\r\nA1 OK done\r\n" + "x" * 200_000)
    with connected(server.account()) as source:
        assert source.fetch(4) == server.mails[4]
        assert source.headers(4) == server.mails[4].partition(b"\r\n\r\n")[0]
    assert server.told("EXAMINE") == 1
    assert [line for line in server.said if "BODY" in line and "BODY.PEEK[" not in line] == []
    assert server.told("STORE") == 0


def test_what_came_after_is_found_and_the_last_mail_is_not_taken_for_new(server: ImapServer) -> None:
    with connected(server.account()) as source:
        assert (source.after(0), source.after(3), source.after(9), source.after(500)) == ([3, 9], [9], [], [])
        assert (source.uidvalidity, source.newest_uid()) == (7, 9)


def test_an_empty_folder_is_nothing_special(server: ImapServer) -> None:
    server.mails.clear()
    with connected(server.account()) as source:
        assert (source.after(0), source.newest_uid(), source.since(date(2026, 11, 1))) == ([], 0, [])


def test_a_stored_mail_is_moved_or_flagged_as_asked(server: ImapServer) -> None:
    with connected(server.account("then=move:Archive")) as source:
        source.finish(3)
    with connected(server.account("then=flag:$Frontdesk")) as source:
        source.finish(9)
        assert source.since(date(2026, 11, 1)) == []
    assert (server.folders["Archive"], server.flags, list(server.mails)) == ([mail(3)], {9: {"$Frontdesk"}}, [9])


def test_a_move_to_no_folder_is_said_and_ends_nothing(server: ImapServer) -> None:
    with connected(server.account("then=move:Nowhere")) as source:
        with pytest.raises(NotDone, match="moved"):
            source.finish(3)
        assert source.fetch(3) == mail(3)


# Who is let see the password


def refused_before_login(server: ImapServer, account: Account, error: type[Exception]) -> None:
    with pytest.raises(error), connected(account):
        pass
    assert [line for line in server.said if PASSWORD in line or "LOGIN" in line] == []


@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 STARTTLS"], ids=["not offered", "refused"])
def test_a_server_without_starttls_never_sees_the_password(
    server: ImapServer, certificate: Path, capabilities: str
) -> None:
    server.context, server.capabilities = serving(certificate), capabilities
    server.misbehave = always("STARTTLS", lambda talk, tag: talk.write(f"{tag} NO not today"))
    refused_before_login(server, server.account(), imaplib.IMAP4.error)


@pytest.mark.parametrize("way", ["imaps", "STARTTLS"])
@pytest.mark.parametrize("wrong", ["nobody vouches", "another host"])
def test_a_server_that_is_not_who_it_should_be_never_sees_the_password(
    server: ImapServer, tmp_path: Path, certificate: Path, way: str, wrong: str
) -> None:
    other = write_certificate(tmp_path / "other.pem", "192.0.2.1")
    server.context, server.tls_at_once = serving(other), way == "imaps"
    server.capabilities += " STARTTLS"
    trusted = trusting(other if wrong == "another host" else certificate)
    refused_before_login(server, replace(server.account(), context=trusted), ssl.SSLCertVerificationError)


@pytest.mark.parametrize("way", ["imaps", "STARTTLS"])
def test_a_mailbox_is_read_over_an_encrypted_connection(server: ImapServer, certificate: Path, way: str) -> None:
    server.context, server.tls_at_once = serving(certificate), way == "imaps"
    server.capabilities += " STARTTLS"
    with connected(replace(server.account(), context=trusting(certificate))) as source:
        assert source.fetch(3) == mail(3)
        threading.Timer(0.2, lambda: server.add(10, mail(10))).start()
        source.wait(30)
        assert source.after(9) == [10]


def test_a_greeting_that_says_we_are_logged_in_already_ends_it(server: ImapServer, certificate: Path) -> None:
    server.context = serving(certificate)
    server.capabilities += " STARTTLS"
    server.misbehave = once("greeting", lambda talk, _: talk.write("* PREAUTH welcome"))
    refused_before_login(server, server.account(), imaplib.IMAP4.error)


def test_what_was_said_before_the_encryption_does_not_count_after_it(server: ImapServer, certificate: Path) -> None:
    def inject(talk: Conversation, tag: str) -> None:
        talk.write(
            f"{tag} OK go on\r\n* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag[:-1]}3 OK injected".encode() + b"\r\n"
        )
        talk.encrypt()

    server.context = serving(certificate)
    server.capabilities += " STARTTLS"
    server.misbehave = once("STARTTLS", inject)
    with connected(replace(server.account(), context=trusting(certificate))) as source:
        assert source.after(0) == [3, 9]


def test_a_wrong_password_is_for_a_person_to_mend_and_names_the_setting(server: ImapServer) -> None:
    with pytest.raises(SignInRefused, match="IMAP_SUPPORT_URL") as raised, connected(server.account(), "wrong"):
        pass
    assert "wrong" not in str(raised.value)


def test_a_server_that_takes_no_login_just_now_is_asked_again(server: ImapServer) -> None:
    server.misbehave = once("LOGIN", lambda talk, tag: talk.write(f"{tag} NO [UNAVAILABLE] busy"))
    with pytest.raises(TryLater), connected(server.account()):
        pass


def test_a_connection_that_ends_during_the_login_says_nothing_of_the_password(server: ImapServer) -> None:
    server.misbehave = once("LOGIN", lambda talk, _: talk.hang_up())
    with pytest.raises(imaplib.IMAP4.abort) as raised, connected(server.account()):
        pass
    assert trouble(raised.value) == "the server ended the connection (abort)"


# Waiting


def test_idling_ends_when_mail_comes(server: ImapServer) -> None:
    with connected(server.account()) as source:
        threading.Timer(0.2, lambda: server.add(10, mail(10))).start()
        source.wait(30)
        assert source.after(9) == [10]
    assert server.told("DONE") == 1


def answer_idle(*pieces: str) -> Act:
    """Speak these pieces, one after another, then wait for DONE."""

    def act(talk: Conversation, tag: str) -> None:
        for piece in pieces:
            talk.write(piece.encode())
            time.sleep(0.15)  # the pieces have to arrive one by one: that is what is tested
        while talk.read() != "DONE":
            pass
        talk.write(f"{tag} OK idled")

    return act


@pytest.mark.parametrize(
    "pieces",
    [("* 3 EXISTS\r\n+ idling\r\n",), ("+ idling\r\n* 3 EXI", "STS\r\n"), ("+ idling\r\n* 3 EXISTS\r\n",)],
    ids=["before it began", "half a line", "in one packet"],
)
def test_word_of_mail_is_heard_however_it_comes(server: ImapServer, pieces: tuple[str, ...]) -> None:
    server.misbehave = once("IDLE", answer_idle(*pieces))
    begun = time.monotonic()
    with connected(server.account()) as source:
        source.wait(30)
        assert source.after(0) == [3, 9]
    assert time.monotonic() - begun < 5


def test_idling_goes_on_through_words_that_are_not_of_mail(server: ImapServer) -> None:
    server.misbehave = once("IDLE", answer_idle("+ idling\r\n* OK Still here\r\n", "* 1 FETCH (FLAGS (\\Seen))\r\n"))
    begun = time.monotonic()
    with connected(server.account()) as source:
        source.wait(1.5)
    assert time.monotonic() - begun > 1.5


def test_a_connection_that_dies_while_idling_raises_and_does_not_spin(server: ImapServer) -> None:
    def die(talk: Conversation, _: str) -> None:
        talk.write("+ idling")
        talk.hang_up()

    server.misbehave = once("IDLE", die)
    with connected(server.account()) as source, pytest.raises((imaplib.IMAP4.abort, OSError)):
        source.wait(30)
    assert server.told("IDLE") == 1


def test_a_server_that_does_not_idle_is_polled(server: ImapServer) -> None:
    server.misbehave = always(" IDLE", lambda talk, tag: talk.write(f"{tag} BAD what?"))
    with connected(server.account()) as source:
        source.wait(0.1)
        source.wait(0.1)
        assert source.after(0) == [3, 9]
    assert server.told(" IDLE") == 1


@pytest.mark.parametrize("silent_at", ["FETCH", "IDLE"])
def test_our_stop_is_noticed_while_the_server_is_silent(server: ImapServer, silent_at: str) -> None:
    stop = threading.Event()
    server.misbehave = always(silent_at, lambda talk, _: talk.write("+ idling"))
    with closing(Source(server.account(), PASSWORD, stop.is_set)) as source:
        begun = time.monotonic()
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(Stopped):
            source.wait(60) if silent_at == "IDLE" else source.fetch(3)
    assert time.monotonic() - begun < 4


# A hostile or broken server


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
