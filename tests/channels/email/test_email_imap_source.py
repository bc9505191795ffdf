"""A mailbox on its server, over real sockets: what is asked, what is believed, and what a hostile server can do."""

import imaplib
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from channels.email.imap_account import Account
from channels.email.imap_source import NotDone, Source, trouble
from channels.email.imap_wire import Stopped
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
