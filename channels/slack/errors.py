"""What Slack's refusals and broken connections mean for us.

Codes: the error tables of https://docs.slack.dev/reference/methods/chat.postMessage, read 2026-11.
"""

import re
import ssl
from http import HTTPStatus
from http.client import HTTPException
from socket import gaierror
from urllib.error import URLError

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from channels.download import seconds
from channels.errors import SendError, Stopped, TooMany, TryLater, Unclear, Undeliverable

_REINSTALL = "the bot's token is not valid any more; an admin must install the app again and set SLACK_BOT_TOKEN."
_GONE = "the channel cannot be found; an admin must check its id, and invite the bot if it is private."

# For each code: what an admin should do.
SENTENCES = {
    "not_in_channel": "the bot is not in the channel; an admin must invite it there.",
    "channel_not_found": _GONE,
    "is_archived": "the channel is archived; an admin must unarchive it or set another one.",
    "invalid_auth": _REINSTALL,
    "not_authed": _REINSTALL,
    "account_inactive": _REINSTALL,
    "token_revoked": _REINSTALL,
    "token_expired": _REINSTALL,
    "missing_scope": "the app lacks a permission; an admin must update it from its manifest and install it again.",
    "no_permission": "the app lacks a permission; an admin must update it from its manifest and install it again.",
    "ekm_access_denied": "the workspace's key management forbids it; an admin must allow the app.",
    "team_access_not_granted": "the app is not granted to this workspace; an admin must grant it.",
    "restricted_action": "a workspace setting forbids the bot to post there; an admin must allow it.",
    "restricted_action_read_only_channel": "only some may post in this channel; an admin must allow the bot to.",
    "restricted_action_thread_only_channel": "this channel takes threads only; an admin must change that.",
    "org_login_required": "the workspace is being moved to an organization; Frontdesk tries again by itself.",
    "external_channel_migrating": "the channel is being moved; Frontdesk tries again by itself.",
    "access_denied": "the app may not do this; an admin must allow it.",
    "accesslimited": "the workspace forbids this network; an admin must allow the addresses Frontdesk calls from.",
    "enterprise_is_restricted": "the organization forbids it; an admin must allow the app.",
    "two_factor_setup_required": "the workspace asks for two-factor authentication; an admin must set it up.",
    "user_not_in_channel": "the person is not in the channel.",
    "user_not_found": "the person cannot be found.",
    "cannot_dm_bot": "the person is a bot.",
    "msg_too_long": "the text is longer than Slack takes.",
    "thread_not_found": "the thread is gone; its first message was deleted.",
    "message_not_found": "the message is gone.",
    "cant_update_message": "the message is not the bot's own.",
    "invalid_blocks": "the layout of the message was not accepted.",
    "file_upload_size_restricted": "the file is larger than the workspace allows.",
    "file_uploads_disabled": "the workspace does not allow files; an admin must allow them.",
    "storage_limit_reached": "the workspace's storage is full; an admin must make room.",
}

# Nothing of the kind can be posted there until an admin has mended it.
_STOPPED = frozenset(
    {
        *("not_in_channel", "is_archived", "invalid_auth", "not_authed", "account_inactive"),
        *("token_revoked", "token_expired", "missing_scope", "no_permission"),
        *("ekm_access_denied", "team_access_not_granted", "restricted_action"),
        *("restricted_action_read_only_channel", "restricted_action_thread_only_channel"),
        *("org_login_required", "external_channel_migrating", "access_denied", "accesslimited"),
        *("enterprise_is_restricted", "two_factor_setup_required"),
    }
)
# A channel can be mended or set anew; whoever cannot be found as a person stays so.
_NO_SUCH_PLACE = "channel_not_found"
MENDING_SECONDS = 300.0

# Slack says of the first two that part of the work may have been done; the others come from something in between.
_MAYBE_DONE = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"}
)
_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_CODE = re.compile("[a-z0-9_]{1,64}")

# What slack_sdk lets through: its own, urllib's and http.client's errors, and whatever a strange answer breaks in it.
FAILURES = (SlackClientError, HTTPException, OSError, ValueError, TypeError, AttributeError, LookupError)


def send_error(error: Exception, *, to_person: bool = False) -> SendError:
    """Class a failure by whether Slack can have acted, and by whether a person or a channel was written to."""
    if isinstance(error, SlackApiError) and isinstance(error.response, SlackResponse):
        return _answered(error.response, to_person=to_person)
    if isinstance(error, URLError) and _never_left(error.reason):
        return TryLater("Slack could not be reached.")
    return Unclear(f"The connection to Slack broke, or its answer could not be read ({type(error).__name__}).")


def _answered(response: SlackResponse, *, to_person: bool) -> SendError:
    status, code = response.status_code, _code(response)
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in _BUSY:
        return TooMany("Slack takes no more messages just now.", retry_after=_retry_after(response))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _MAYBE_DONE:
        return Unclear(f"Slack answered {code or status}.")
    if code in _STOPPED or (code == _NO_SUCH_PLACE and not to_person):
        return Stopped(_sentence(code), retry_after=MENDING_SECONDS)
    if code:
        return Undeliverable(_sentence(code), code=code)
    if status >= HTTPStatus.BAD_REQUEST:
        return Undeliverable(f"Slack answered {status}.", code=f"http_{status}")
    return Unclear("Slack's answer could not be read.")


def _sentence(code: str) -> str:
    return f"Slack: {SENTENCES.get(code, 'it refused this.')} ({code})"


def _code(response: SlackResponse) -> str:
    """Return Slack's word for a refusal; the library puts a sentence of its own there when the answer was no JSON."""
    code = response.data.get("error") if isinstance(response.data, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _retry_after(response: SlackResponse) -> float | None:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return seconds(headers.get("retry-after"))


def _never_left(reason: object) -> bool:
    """Say whether no connection stood, so that nothing can have been read at the other end."""
    return isinstance(reason, gaierror | ConnectionRefusedError | ssl.SSLCertVerificationError)
