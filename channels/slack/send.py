"""Posting to Slack: messages, and files after them.

In: an `OutboundMessage`. Out: the post's or file's id. The caller retries, nothing here does. A post carries the
idempotency key in its metadata, by which `find.py` finds it again.
"""

import time

from slack_sdk.web import WebClient

from channels.base import Attachment, ExternalId, OutboundMessage
from channels.download import post as http_post
from channels.errors import TryLater, Unclear
from channels.slack.blocks import post_blocks, post_text
from channels.slack.client import TIMEOUT, answer, harmless_to_repeat, slack_errors
from channels.slack.ids import Place, file_id, place, slack_id
from channels.slack.listing import listing_blocks
from channels.slack.mrkdwn import escape, label
from channels.slack.payload import child, text, ts
from channels.slack.settings import Settings

METADATA_TYPE = "frontdesk_delivery"
# Slack refuses to take an empty file, and with it those that come along.
INSTEAD_OF_NOTHING = b"\n"


def post(client: WebClient, outbound: OutboundMessage, workspace_url: str = "") -> ExternalId:
    """Post once and return the message's id; links in a listing begin with the workspace's. Raises a `SendError`."""
    where = place(outbound.to)
    with slack_errors(to_person=where.is_person):
        response = client.chat_postMessage(
            channel=where.id,
            thread_ts=outbound.thread or None,
            text=escape(outbound.listing.title) if outbound.listing else post_text(outbound),
            blocks=listing_blocks(outbound.listing, workspace_url) if outbound.listing else post_blocks(outbound),
            username=label(outbound.sender_name) or None,
            metadata={"event_type": METADATA_TYPE, "event_payload": {"delivery": outbound.idempotency_key}},
            unfurl_links=False,
            unfurl_media=False,
            parse="none",
            link_names=False,
        )
    posted = answer(response)
    if not ts(posted):
        raise Unclear("Slack answered without the message's time mark.")
    return slack_id(where.team, text(posted, "channel") or where.id, ts(posted))


def share_files(client: WebClient, settings: Settings, outbound: OutboundMessage) -> ExternalId:
    """Upload the files one by one, then share them at once and return the first one's id. Raises a `SendError`.

    Until they are shared nobody sees them, so whatever fails before may be done again.
    """
    deadline = time.monotonic() + settings.upload_seconds
    with harmless_to_repeat():
        where = open_place(client, outbound.to)
        files = [_upload(client, settings, attachment, deadline) for attachment in outbound.attachments]
    _seconds_left(deadline)
    with slack_errors(to_person=place(outbound.to).is_person):
        client.files_completeUploadExternal(
            files=files,
            channel_id=where.id,
            thread_ts=outbound.thread or None,
            initial_comment=escape(outbound.body) or None,
        )
    return file_id(where.team, str(files[0]["id"]))


def _upload(client: WebClient, settings: Settings, attachment: Attachment, deadline: float) -> dict[str, str | None]:
    _seconds_left(deadline)
    name, given = file_name(attachment), attachment.content()
    content = given or INSTEAD_OF_NOTHING
    with slack_errors():
        ticket = answer(client.files_getUploadURLExternal(filename=name, length=len(content)))
    if not text(ticket, "file_id"):
        raise TryLater("Slack answered without an address for the file.")
    timeout = min(TIMEOUT, _seconds_left(deadline))
    http_post(text(ticket, "upload_url"), content, headers={}, hosts=settings.file_hosts, timeout=timeout)
    return {"id": text(ticket, "file_id"), "title": name if given else f"{name} (empty)"}


def _seconds_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TryLater("Uploading the files took too long.")
    return left


def file_name(attachment: Attachment) -> str:
    """Return a file's name as Slack gets it."""
    return label(attachment.name) or "file"


def open_place(client: WebClient, to: ExternalId) -> Place:
    """Return the channel of an address: of a person, the direct message with them. Raises a `SendError`."""
    where = place(to)
    if not where.is_person:
        return where
    with slack_errors():
        opened = child(answer(client.conversations_open(users=where.id)), "channel")
    return Place(where.team, text(opened, "id"), "")
