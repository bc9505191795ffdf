"""Mailboxes at Google and Microsoft 365: a real sign-in service over HTTP, and a server that takes XOAUTH2."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from channels.email.imap_account import Account
from channels.email.oauth import OAuthApp, SignInRefused, refresh
from channels.errors import TryLater
from sandbox.client import wait_for
from tests.channels.email.imap_talk import ImapServer, once
from tests.desk import Desk
from tests.workers.imap.token_endpoint import TokenEndpoint, token_endpoint
from tests.workers.imap.watching import QUICK, read_to, row, waits, watching
from workers.doors.imap_tokens import Tokens

SECRETS = ("canary-secret", "canary-refresh", "access-", "next-refresh")


@pytest.fixture
def provider() -> Iterator[TokenEndpoint]:
    with token_endpoint() as running:
        yield running


def oauth(server: ImapServer, provider: TokenEndpoint, which: int = 1) -> Account:
    return server.account(
        IMAP_SUPPORT_OAUTH="google",
        IMAP_SUPPORT_CLIENT_ID="client-of-ours",
        IMAP_SUPPORT_CLIENT_SECRET="canary-secret",
        IMAP_SUPPORT_REFRESH_TOKEN=f"canary-refresh-{which}",
        IMAP_SUPPORT_TOKEN_URL=provider.url,
    )


def client_of(account: Account) -> OAuthApp:
    assert account.oauth is not None
    return account.oauth


def tokens(desk: Desk, account: Account, secret: bytes = b"k" * 32) -> Tokens:
    return Tokens(desk.tools.database, account.name, client_of(account), secret)


def test_a_mailbox_is_read_with_an_access_token(desk: Desk, server: ImapServer, provider: TokenEndpoint) -> None:
    server.tokens = {"access-1"}
    with capture_logs() as lines, watching(desk, oauth(server, provider)):
        read_to(desk, 9)
    assert provider.asked == [
        {
            "grant_type": "refresh_token",
            "client_id": "client-of-ours",
            "client_secret": "canary-secret",
            "refresh_token": "canary-refresh-1",
        }
    ]
    assert [secret for secret in SECRETS if secret in str(lines)] == []


def test_a_token_that_is_good_for_long_serves_every_connection(
    desk: Desk, server: ImapServer, provider: TokenEndpoint
) -> None:
    server.tokens = {"access-1"}
    with watching(desk, oauth(server, provider)):
        read_to(desk, 9)
        server.misbehave = once("SEARCH", lambda talk, _: talk.hang_up())
        server.add(12, server.mails[9].replace(b"9", b"12"))
        read_to(desk, 12)
    assert (len(provider.asked), server.conversations) == (1, 2)


def test_a_token_near_its_end_is_replaced_before_it_is_used(
    desk: Desk, server: ImapServer, provider: TokenEndpoint
) -> None:
    provider.answers = [(200, {"access_token": "over", "expires_in": 0})]
    ours = tokens(desk, oauth(server, provider))
    assert [ours.access_token() for _ in range(3)] == ["over", "access-2", "access-2"]


def test_a_replaced_refresh_token_is_kept_encrypted_and_used_after_a_restart(
    desk: Desk, server: ImapServer, provider: TokenEndpoint
) -> None:
    provider.answers = [(200, {"access_token": "access-1", "refresh_token": "next-refresh"})]
    server.tokens = {"access-1", "access-2", "access-3"}
    for times in range(1, 4):
        with watching(desk, oauth(server, provider)):
            wait_for(lambda times=times: len(provider.asked) == times, "a token")  # type: ignore[misc]
            wait_for(lambda: desk.scalars("SELECT 1 FROM mailboxes WHERE state = 'watching'"), "a reading")
    used = [each["refresh_token"] for each in provider.asked]
    assert used == ["canary-refresh-1", "next-refresh", "next-refresh"]
    (sealed,) = desk.scalars("SELECT refresh_token FROM mailboxes")
    assert isinstance(sealed, bytes | memoryview)
    assert b"next-refresh" not in bytes(sealed)


def test_the_token_of_the_settings_counts_when_it_is_new_and_when_the_key_is_another(
    desk: Desk, server: ImapServer, provider: TokenEndpoint
) -> None:
    desk.scalars("INSERT INTO mailboxes (name, place) VALUES ('support', 'x') RETURNING 1")
    provider.answers = [(200, {"access_token": "access-1", "refresh_token": "next-refresh"})]
    tokens(desk, oauth(server, provider)).access_token()
    tokens(desk, oauth(server, provider), b"x" * 32).access_token()
    tokens(desk, oauth(server, provider, 2)).access_token()
    used = [each["refresh_token"] for each in provider.asked]
    assert used == ["canary-refresh-1", "canary-refresh-1", "canary-refresh-2"]


def test_a_refused_refresh_token_is_said_with_what_to_do_and_not_tried_over_and_over(
    desk: Desk, server: ImapServer, provider: TokenEndpoint
) -> None:
    provider.answers = [(400, {"error": "invalid_grant", "error_description": "canary"})]
    with capture_logs() as lines, watching(desk, oauth(server, provider), replace(QUICK, wait_when_refused=60)):
        wait_for(lambda: desk.scalars("SELECT 1 FROM mailboxes WHERE state = 'failing'"), "trouble")
    (wait,) = waits(lines)
    assert wait >= 30
    assert "sign in again, set IMAP_SUPPORT_REFRESH_TOKEN" in row(desk)["error"]
    assert "canary" not in row(desk)["error"]
    assert (len(provider.asked), server.conversations) == (1, 0)


def test_an_access_token_that_the_mail_server_turns_down_is_asked_for_anew(
    desk: Desk, server: ImapServer, provider: TokenEndpoint
) -> None:
    server.tokens = {"access-2"}
    with watching(desk, oauth(server, provider)):
        read_to(desk, 9)
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (400, {"error": "invalid_grant"}, SignInRefused),
        (401, {"error": "invalid_client"}, SignInRefused),
        (400, {"error": "interaction_required"}, SignInRefused),
        (400, {"error": "something_new"}, TryLater),
        (400, {"error": ["invalid_grant"]}, TryLater),
        (503, {"error": "temporarily_unavailable"}, TryLater),
        (302, {}, TryLater),
        (200, {}, TryLater),
        (200, {"access_token": 5}, TryLater),
        (200, b"<html>", TryLater),
        (200, b"[" * 60_000, TryLater),
        (200, b'{"access_token": "' + b"x" * 200_000 + b'"}', TryLater),
    ],
)
def test_every_answer_of_a_sign_in_service_has_its_consequence_and_one_call(
    server: ImapServer, provider: TokenEndpoint, status: int, said: object, error: type[Exception]
) -> None:
    provider.answers = [(status, said)]
    with pytest.raises(error):
        refresh(client_of(oauth(server, provider)), "canary-refresh")
    assert len(provider.asked) == 1


def test_a_sign_in_service_that_is_away_is_asked_later(server: ImapServer) -> None:
    with token_endpoint() as gone:
        account = oauth(server, gone)
    with pytest.raises(TryLater, match="cannot be reached"):
        refresh(client_of(account), "canary-refresh")
