import multiprocessing
import ssl
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from channels.email.relay import Relay
from channels.email.send import Letter, Sender
from channels.errors import SendError, TryLater, Unclear, Undeliverable
from sandbox.client import wait_for
from tests.certificate import certificate_in
from tests.channels.email.scripted_relay import DRIPPED, relays
from tests.channels.email.smtp_talk import Intake, door

HELLO = ("220 relay", "250 relay")
TAKEN = ("250 ok", "250 ok", "354 go", "250 queued")


def letter(text: str = "x") -> Letter:
    mail = f"Subject: {text}\r\n\r\n{text}\r\n".encode()
    return Letter(mail_from="support@desk.example", to="support@desk.example", mail=mail)


def sender(port: int, *, idle: float = 10.0, mails: int = 100, timeout: float = 5.0) -> Sender:
    relay = Relay(host="127.0.0.1", port=port, hostname="desk.example", timeout=timeout, idle=idle, mails=mails)
    return Sender(relay)


@pytest.fixture
def intake() -> Intake:
    return Intake()


@pytest.fixture
def port(intake: Intake) -> Iterator[int]:
    """Run a real server that takes mail for one address."""
    with door(intake) as port:
        yield port


def test_a_second_mail_goes_over_the_connection_of_the_first() -> None:
    with relays((*HELLO, *TAKEN, *TAKEN), HELLO) as relay:
        one = sender(relay.port)
        one.deliver(letter())
        one.deliver(letter())
    assert (relay.connections, relay.heard.count(b"ehlo"), relay.heard.count(b"MAIL")) == (1, 1, 2)


@pytest.mark.parametrize(
    "dead",
    [(), ("421 4.4.2 idle",), ("250 ok", "421 closing"), ("250 ok", "250 ok"), ("250 ok", "250 ok", "421 closing")],
)
def test_a_kept_connection_that_is_dead_before_the_final_dot_is_replaced_once(dead: tuple[str, ...]) -> None:
    with relays((*HELLO, *TAKEN, *dead), (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port)
        one.deliver(letter("first"))
        one.deliver(letter("second"))
    assert relay.connections == 2
    assert relay.heard.count(b"second\r\n.\r\n") == 1


@pytest.mark.parametrize(
    "refused",
    [
        ("550 5.7.1 too many mails in this session",),
        ("250 ok", "452 4.5.3 enough"),
        ("250 ok", "250 ok", "554 5.7.0 no"),
    ],
)
def test_what_is_refused_over_a_kept_connection_is_tried_once_over_a_fresh_one(refused: tuple[str, ...]) -> None:
    with relays((*HELLO, *TAKEN, *refused), (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port)
        one.deliver(letter("first"))
        one.deliver(letter("second"))
    assert relay.connections == 2
    assert relay.heard.count(b"second\r\n.\r\n") == 1


def test_what_a_fresh_connection_refuses_too_is_refused() -> None:
    unknown = ("250 ok", "550 5.1.1 unknown")
    with relays((*HELLO, *TAKEN, *unknown), (*HELLO, *unknown), (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port)
        one.deliver(letter())
        with pytest.raises(Undeliverable):
            one.deliver(letter())
    assert relay.connections == 2


STRAY = ["250 queued\r\n550 5.1.1 unknown", "250 queued\r\n250 a\r\n250 b\r\n354 c\r\n250 d"]


@pytest.mark.parametrize("said", STRAY)
def test_a_kept_connection_on_which_something_unasked_was_said_is_left(said: str) -> None:
    with relays((*HELLO, *TAKEN[:3], said, *TAKEN), (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port)
        one.deliver(letter("first"))
        one.deliver(letter("second"))
    _, first, other = relay.heard.split(b"ehlo")
    assert (first.count(b"MAIL"), other.count(b"MAIL")) == (1, 1)


@pytest.mark.parametrize("said", STRAY)
def test_an_encrypted_connection_is_kept_too_and_left_when_something_unasked_was_said(
    said: str, certificate: Path
) -> None:
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)
    with relays((*HELLO, *TAKEN, *TAKEN[:3], said, *TAKEN), (*HELLO, *TAKEN), context=ours) as relay:
        one = encrypted(relay.port, certificate, tls=True, mails=100)
        for text in ("first", "second", "third"):
            one.deliver(letter(text))
    _, first, other = relay.heard.split(b"ehlo")
    assert (first.count(b"MAIL"), other.count(b"MAIL")) == (2, 1)


@pytest.mark.parametrize("drip", ["250-not yet\r\n", "2"], ids=["lines", "bytes"])
@pytest.mark.parametrize(
    ("said", "error"), [((), TryLater), ((*HELLO, "250 ok"), TryLater), ((*HELLO, *TAKEN[:3]), Unclear)]
)
def test_a_relay_that_drips_is_left_when_the_time_is_up(
    said: tuple[str, ...], error: type[SendError], drip: str
) -> None:
    with relays((*said, DRIPPED + drip)) as relay:
        began = time.monotonic()
        with pytest.raises(error):
            sender(relay.port, timeout=0.3).deliver(letter())
        assert time.monotonic() - began < 2


def test_a_relay_whose_answer_does_not_end_is_left() -> None:
    with relays((*HELLO, *TAKEN[:3], DRIPPED + "250-x\r\n" * 1000)) as relay, pytest.raises(Unclear) as caught:
        sender(relay.port, timeout=60).deliver(letter())
    assert "does not end" in str(caught.value.__cause__)


def test_a_connection_that_dies_after_the_final_dot_is_unclear_and_nothing_is_repeated() -> None:
    with relays((*HELLO, *TAKEN, *TAKEN[:3], "250-queued as"), (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port)
        one.deliver(letter())
        with pytest.raises(Unclear):
            one.deliver(letter("second"))
    assert (relay.connections, relay.heard.count(b"second\r\n.\r\n")) == (1, 1)


def test_a_fresh_connection_that_breaks_off_is_not_replaced_by_another() -> None:
    with relays((*HELLO, *TAKEN), HELLO, (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port)
        one.deliver(letter())
        with pytest.raises(TryLater):
            one.deliver(letter())
    assert relay.connections == 2


@pytest.mark.parametrize(
    "refusal", [("250 ok", "550 5.1.1 unknown"), ("250 ok", "450 4.2.0 greylisted"), ("452 full",)]
)
def test_after_a_refusal_the_next_mail_gets_a_fresh_connection(refusal: tuple[str, ...]) -> None:
    with relays((*HELLO, *refusal, "250 never asked for"), (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port)
        with pytest.raises((TryLater, Undeliverable)):
            one.deliver(letter())
        one.deliver(letter())
    assert relay.connections == 2


def test_a_connection_ends_politely_after_so_many_mails() -> None:
    with relays((*HELLO, *TAKEN, *TAKEN, "221 bye"), (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port, mails=2)
        for _ in range(3):
            one.deliver(letter())
    assert relay.connections == 2
    assert relay.heard.count(b"QUIT") == 1


def test_an_idle_connection_ends_politely_by_itself() -> None:
    with relays((*HELLO, *TAKEN, "221 bye"), (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port, idle=0.05)
        one.deliver(letter())
        wait_for(lambda: b"QUIT" in relay.heard, "goodbye")
        one.deliver(letter())
    assert relay.connections == 2


def test_twenty_threads_never_share_a_conversation(port: int, intake: Intake) -> None:
    one = sender(port)
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda number: one.deliver(letter(f"mail-{number:03}")), range(200)))
    assert sorted(each.payload for each in intake.accepted) == [letter(f"mail-{at:03}").mail for at in range(200)]


def test_a_child_process_opens_a_connection_of_its_own_and_leaves_its_parents_alone() -> None:
    with relays((*HELLO, *TAKEN, *TAKEN), (*HELLO, *TAKEN)) as relay:
        one = sender(relay.port)
        one.deliver(letter("before"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which is what is tried
            child = multiprocessing.get_context("fork").Process(target=one.deliver, args=[letter("child")])
            child.start()
        one.deliver(letter("after"))
        child.join(10)
    assert child.exitcode == 0
    _, ours, the_childs = relay.heard.split(b"ehlo")
    assert [text in ours for text in (b"before", b"after", b"child")] == [True, True, False]
    assert [text in the_childs for text in (b"before", b"after", b"child")] == [False, False, True]


def test_a_mail_of_dots_arrives_as_it_was(port: int, intake: Intake) -> None:
    dots = letter(".\r\n..x\r\n...\r\n.y\r\n\r\n.")
    sender(port).deliver(dots)
    assert [each.payload for each in intake.accepted] == [dots.mail]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return certificate_in(tmp_path)


def encrypted(port: int, authority: Path | None, *, tls: bool = False, mails: int = 1) -> Sender:
    context = ssl.create_default_context(cafile=authority)
    relay = Relay(
        host="127.0.0.1", port=port, hostname="desk.example", tls=tls, context=context, timeout=5, mails=mails
    )
    return Sender(relay)


def test_an_offered_starttls_is_used_and_only_with_a_certificate_that_holds(intake: Intake, certificate: Path) -> None:
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)
    with door(intake, context=ours) as port:
        with pytest.raises(TryLater):
            encrypted(port, None).deliver(letter())
        assert intake.accepted == []
        encrypted(port, certificate).deliver(letter())
    assert len(intake.accepted) == 1


def test_a_relay_that_refuses_our_login_says_which_setting_to_look_at() -> None:
    greeting = ("220 relay", "250-relay\r\n250 AUTH PLAIN", "535 5.7.8 no", "535 5.7.8 no")
    with relays(greeting) as relay:
        account = Relay(host="127.0.0.1", port=relay.port, user="desk", password="hush", hostname="desk.example")
        with pytest.raises(TryLater, match="SMTP_RELAY_URL") as caught:
            Sender(account).deliver(letter())
    assert "hush" not in str(caught.value)
    assert relay.heard.count(b"MAIL") == 0
