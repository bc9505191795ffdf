"""From Slack's events to our values. Pure; raises `Malformed` and nothing else."""

from collections.abc import Iterator

from channels.base import AgentAction, Attachment, ExternalId, InboundMessage, Parsed, RawEvent, clean_line
from channels.errors import Malformed
from channels.slack.commands import parse_command, parse_interaction
from channels.slack.envelope import Envelope
from channels.slack.ids import slack_id
from channels.slack.mrkdwn import mentioned, plain
from channels.slack.payload import Json, child, children, known_id, moment, read_json, text, ts
from channels.slack.signs import SIGNS


def parse(raw: RawEvent) -> tuple[Parsed, ...]:
    """Translate a stored call by the kind that was noted with it; empty for what means nothing to us."""
    try:
        if raw.facts.get("kind") == "event":
            return _event(Envelope(read_json(raw.payload)))
        if raw.facts.get("kind") == "interaction":
            return parse_interaction(raw.payload)
        if raw.facts.get("kind") == "command":
            return parse_command(raw.payload)
    except ValueError as error:
        raise Malformed("The body is not what Slack sends.") from error
    raise Malformed("A Slack call of an unknown kind.")


def _event(envelope: Envelope) -> tuple[Parsed, ...]:
    if not envelope.event:
        raise Malformed("An event without an event in it.")
    if not envelope.for_us or envelope.by_a_bot:
        return ()
    if envelope.signed:
        return (_sign(envelope),)
    if envelope.written:
        return (_message(envelope),)
    return (_action(envelope, "delete"),) if envelope.deleted else _edit(envelope)


def _message(envelope: Envelope) -> InboundMessage:
    written = text(envelope.message, "text")
    return InboundMessage(
        external_id=_message_id(envelope, _own_ts(envelope)),
        sender=_author(envelope),
        recipients=_recipients(envelope),
        body=plain(written),
        sent_at=moment(_own_ts(envelope)),
        references=(_message_id(envelope, envelope.thread),) if envelope.thread else (),
        attachments=tuple(_files(envelope.message)),
        mentions=_mentions(envelope, written),
        direct=envelope.in_direct_message and not envelope.thread,
        beside=not envelope.in_direct_message and not envelope.thread,
    )


def _edit(envelope: Envelope) -> tuple[AgentAction, ...]:
    before = child(envelope.event, "previous_message")
    new = text(envelope.message, "text")
    if new == text(before, "text") and _file_ids(envelope.message) == _file_ids(before):
        return ()
    return (_action(envelope, "edit", plain(new), _mentions(envelope, new)),)


def _action(envelope: Envelope, name: str, value: str = "", mentions: tuple[ExternalId, ...] = ()) -> AgentAction:
    mark = _own_ts(envelope)
    return AgentAction(
        actor=_author(envelope),
        action=name,
        value=value,
        thread=_message_id(envelope, envelope.thread or mark),
        message=_message_id(envelope, mark),
        mentions=mentions,
    )


def _sign(envelope: Envelope) -> AgentAction:
    on = _message_id(envelope, _known_ts(envelope.item))
    return AgentAction(
        actor=_author(envelope), action="sign", value=SIGNS[text(envelope.event, "reaction")], thread=on, message=on
    )


def _own_ts(envelope: Envelope) -> str:
    return _known_ts(envelope.message)


def _known_ts(message: Json) -> str:
    mark = ts(message)
    if not mark:
        raise Malformed("A message without a time mark.")
    return mark


def _message_id(envelope: Envelope, mark: str) -> ExternalId:
    return slack_id(known_id(envelope.team), known_id(envelope.channel), mark)


def _author(envelope: Envelope) -> ExternalId:
    return slack_id(known_id(envelope.author_team), known_id(text(envelope.message, "user")))


def _recipients(envelope: Envelope) -> tuple[ExternalId, ...]:
    """Return the channel, and for a direct message the workspace too, so that one desk can own all of them."""
    channel = slack_id(known_id(envelope.team), known_id(envelope.channel))
    if envelope.in_direct_message:
        return (channel, slack_id(envelope.team))
    return (channel,)


def _mentions(envelope: Envelope, written: str) -> tuple[ExternalId, ...]:
    return tuple(slack_id(envelope.team, user) for user in mentioned(written))


def _file_ids(message: Json) -> set[str]:
    # A file that was deleted leaves its id behind, in a tombstone.
    return {text(file, "id") for file in children(message, "files") if text(file, "mode") != "tombstone"}


def _files(message: Json) -> Iterator[Attachment]:
    for file in children(message, "files"):
        url = text(file, "url_private_download")
        # Deleted files and those kept elsewhere have no address that our token opens.
        if not url or text(file, "mode") in {"tombstone", "external", "hidden_by_limit"}:
            continue
        yield Attachment(
            name=clean_line(text(file, "name") or text(file, "title")) or "file",
            content_type=clean_line(text(file, "mimetype"), 100) or "application/octet-stream",
            url=url,
        )
