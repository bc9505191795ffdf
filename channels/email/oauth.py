"""Access tokens for mailboxes at Google and Microsoft 365, by OAuth 2's refresh tokens (RFC 6749, section 6)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from channels.errors import ChannelError, MailboxError, TryLater

_TIMEOUT = 20.0
_LONGEST_ANSWER = 64 * 1024
# Of an access token, in seconds; the second where the provider does not say.
_LONGEST_LIFE = 24 * 3600.0
_DEFAULT_LIFE = 3600.0
_LOCAL = {"127.0.0.1", "localhost", "::1"}


class SignInRefused(MailboxError):
    """Our credentials are turned down; the sentence says what a person has to do. Trying again soon does no good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthApp:
    """We, as the provider knows us, and the token a person's consent once gave. No secret is in a text of this."""

    setting: str
    token_url: str
    client_id: str
    scope: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An access token, how many seconds it is good for, and the next refresh token where one came."""

    access_token: str = field(repr=False)
    good_for: float
    refresh_token: str = field(default="", repr=False)


def client_from_environment(setting: str, environment: Mapping[str, str]) -> OAuthApp | None:
    """Read the settings that begin with `setting`; `None` without `…_OAUTH`. Raises `ValueError`."""
    provider = environment.get(f"{setting}_OAUTH", "").lower()
    if not provider:
        return None
    tenant = quote(environment.get(f"{setting}_TENANT", "common"), safe="")
    # https://developers.google.com/identity/protocols/oauth2/web-server#offline, and
    # https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
    known = {
        "google": ("https://oauth2.googleapis.com/token", ""),
        "microsoft": (
            f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
        ),
    }
    if provider not in known:
        raise ValueError(f"{setting}_OAUTH is google or microsoft")
    url, scope = known[provider]
    return OAuthApp(
        setting=setting,
        token_url=_token_url(setting, environment.get(f"{setting}_TOKEN_URL") or url),
        scope=scope,
        client_id=_needed(f"{setting}_CLIENT_ID", environment),
        client_secret=environment.get(f"{setting}_CLIENT_SECRET", ""),  # a public client of Microsoft's has none
        refresh_token=_needed(f"{setting}_REFRESH_TOKEN", environment),
    )


def _token_url(setting: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL):
        return url
    raise ValueError(f"{setting}_TOKEN_URL must begin with https:// (or http://127.0.0.1 for a stand-in)")


def _needed(name: str, environment: Mapping[str, str]) -> str:
    if not environment.get(name):
        raise ValueError(f"{name} is not set")
    return environment[name]


def refresh(app: OAuthApp, refresh_token: str) -> Grant:
    """Ask once for an access token. Raises `SignInRefused` or `TryLater`.

    Not repeated here, whatever happens: a provider may have replaced the refresh token in an answer that was lost.
    """
    form = {
        "grant_type": "refresh_token",
        "client_id": app.client_id,
        "refresh_token": refresh_token,
        **({"client_secret": app.client_secret} if app.client_secret else {}),
        **({"scope": app.scope} if app.scope else {}),
    }
    status, answer = _post(app.token_url, form)
    if status == HTTPStatus.OK and isinstance(answer.get("access_token"), str) and answer["access_token"]:
        return _grant(answer)
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise _refusal(app, str(answer.get("error")))
    raise TryLater(f"the sign-in service answers {status} and no token")


def _post(url: str, form: Mapping[str, str]) -> tuple[int, Mapping[str, object]]:
    try:
        response = urllib3.request(
            "POST",
            url,
            body=urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(total=_TIMEOUT),
            preload_content=False,
        )
        try:
            body = response.read(_LONGEST_ANSWER, decode_content=False)
        finally:
            response.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TryLater(f"the sign-in service cannot be reached: {type(error).__name__}") from error
    return response.status, _fields(body)


def _fields(body: bytes) -> Mapping[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _grant(answer: Mapping[str, object]) -> Grant:
    life, successor = answer.get("expires_in"), answer.get("refresh_token")
    return Grant(
        access_token=str(answer["access_token"]),
        good_for=life if isinstance(life, int | float) and 0 <= life <= _LONGEST_LIFE else _DEFAULT_LIFE,
        refresh_token=successor if isinstance(successor, str) else "",
    )


def _refusal(app: OAuthApp, code: str) -> ChannelError:
    if code == "invalid_grant":
        return SignInRefused(
            f"the provider no longer takes the refresh token: sign in again, set {app.setting}_REFRESH_TOKEN to the "
            "new one, and restart frontdesk imap"
        )
    if code in {"invalid_client", "unauthorized_client"}:
        return SignInRefused(f"the provider does not know us: check {app.setting}_CLIENT_ID and _CLIENT_SECRET")
    if code in {"invalid_scope", "access_denied", "consent_required", "interaction_required"}:
        return SignInRefused(f"the provider wants consent again: sign in and set {app.setting}_REFRESH_TOKEN")
    return TryLater("the sign-in service refuses, and does not say why in words we know")
