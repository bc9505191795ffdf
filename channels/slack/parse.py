"""From Slack's events to our values. Pure; raises `Malformed` and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from channels.base import AgentAction, Attachment, ExternalId, InboundMessage, Parsed, RawEvent, clean_line, clean_text
from channels.errors import Malformed
from channels.slack.commands import actor_of, interaction, parse_command, parse_interaction, team_of
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
            return _shortcut(interaction(raw.payload)) or parse_interaction(raw.payload)
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
    if envelope.at_home:
        return (AgentAction(actor=_author(envelope), action="home", at_home=True),)
    if envelope.signed:
        return (_sign(envelope),)
    if envelope.written:
        return (_message(envelope),)
    return (_action(envelope, "delete"),) if envelope.deleted else _edit(envelope)


def _shortcut(body: Json) -> tuple[AgentAction, ...]:
    """Translate a shortcut used on a message, as if the message came just now; empty for another interaction."""
    if text(body, "type") != "message_action":
        return ()
    channel = text(child(body, "channel"), "id")
    kind = "im" if channel.startswith("D") else "channel"
    event = {**child(body, "message"), "type": "message", "channel": channel, "channel_type": kind}
    used_on = Envelope({"team_id": team_of(body), "event": event})
    message = _message_id(used_on, _own_ts(used_on))
    return (
        AgentAction(
            actor=actor_of(body),
            action=clean_text(text(body, "callback_id")),
            thread=_message_id(used_on, used_on.thread) if used_on.thread else message,
            message=message,
            answer_url=text(body, "response_url"),
            trigger=text(body, "trigger_id"),
            about=None if used_on.by_a_bot or not text(event, "user") else _message(used_on),
        ),
    )


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
        edited_at=_edited_at(envelope.message),
    )


def _edit(envelope: Envelope) -> tuple[AgentAction, ...]:
    before = child(envelope.event, "previous_message")
    new = text(envelope.message, "text")
    if new == text(before, "text") and _file_ids(envelope.message) == _file_ids(before):
        return ()
    edit = _action(envelope, "edit", plain(new), _mentions(envelope, new))
    files = tuple(sorted(_file_ids(envelope.message)))
    return (replace(edit, files=files, edited_at=_edited_at(envelope.message)),)


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


def _edited_at(message: Json) -> datetime | None:
    mark = ts(child(message, "edited"))
    return moment(mark) if mark else None


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
    return {clean_line(text(file, "id")) for file in children(message, "files") if text(file, "mode") != "tombstone"}


def _files(message: Json) -> Iterator[Attachment]:
    for file in children(message, "files"):
        url = text(file, "url_private_download")
        # Deleted files and those kept elsewhere have no address that our token opens.
        if not url or text(file, "mode") in {"tombstone", "external", "hidden_by_limit"}:
            continue
        yield Attachment(
            name=clean_line(text(file, "name") or text(file, "title")) or "file",
            content_type=clean_line(text(file, "mimetype"), 100) or "application/octet-stream",
            content_id=clean_line(text(file, "id")) or None,
            url=url,
        )
