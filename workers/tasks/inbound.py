"""`inbound.ingest`: from stored bytes to their effect.

Claim (committed, so that an event that kills its worker is counted) → parse, and ask the outside what must be asked →
record in one transaction that also closes the event. Whatever dies in between is claimed again after the lease.
"""

import traceback
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from channels.base import (
    AgentAction,
    Channel,
    ExternalId,
    InboundMessage,
    Parsed,
    Profile,
    RawEvent,
)
from channels.errors import ChannelError, Malformed, TryLater
from models.attachments import StoredFile
from models.base import now, row_id
from models.inbound_events import (
    ClaimedEvent,
    EventStatus,
    claim_event,
    claim_next,
    finish_event,
    postpone_event,
)
from workers.app import app
from workers.db import Wakeup, enqueue
from workers.desk import originals
from workers.desk.mentions import people_named, with_names
from workers.desk.outcome import Answer, Ask, HomeShown, IgnoredError, Outcome, Prepared, ignored
from workers.logs import get_logger
from workers.runtime import Runtime, runtime
from workers.tasks import row_ids
from workers.tasks.changed import as_left
from workers.tasks.files import EventFiles, LeaseLostError
from workers.tasks.resuming import resumed

log = get_logger()

# A mail that kills its worker is tried this often, then set aside with its bytes.
MAX_ATTEMPTS = 3
RETRY_DELAY = timedelta(seconds=2)
SHORTEST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=2), timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(hours=24)
NO_FORM = "Nothing was changed: the form could not be opened in the three seconds that Slack gives. Press it again."


@app.task(name="inbound.ingest")
def ingest(event_ids: Sequence[int]) -> None:
    """Ingest events, each with what waits behind it in its conversation."""
    for event_id in row_ids(event_ids):
        ingest_conversation(runtime(), event_id)


def ingest_conversation(tools: Runtime, event_id: int) -> None:
    """Ingest the open events of the conversation that this one belongs to, in order.

    May be called any number of times, by any number of workers: one of them gets each event.
    """
    lease = tools.settings.event_lease
    with tools.database.session_scope() as session:
        claimed = claim_event(session, event_id, lease)
    while claimed is not None:
        _ingest(tools, claimed)
        with tools.database.session_scope() as session:
            claimed = claim_next(session, claimed.conversation, lease)


def _ingest(tools: Runtime, claimed: ClaimedEvent) -> None:
    if claimed.attempts - claimed.postponements > MAX_ATTEMPTS:
        _finish(tools, claimed, Outcome(status=EventStatus.FAILED, reason="its workers died or failed each time"))
        return
    try:
        prepared = _prepare(tools, claimed)
        outcome = _record(tools, claimed, prepared)
    except Malformed as error:
        _finish(tools, claimed, Outcome(status=EventStatus.FAILED, reason=str(error)))
    except IgnoredError as error:
        _finish(tools, claimed, ignored(str(error)))
    except LeaseLostError:
        log.warning("lease_lost", event_id=claimed.id)
    except TryLater as error:
        _outside_is_away(tools, claimed, error)
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        # The database is in trouble, not the event. When even this cannot be written, the lease ends by itself.
        _postpone(tools, claimed, RETRY_DELAY, type(error).__name__, blameless=True)
    except Exception as error:  # noqa: BLE001 (one of the two places whose job it is: set the event aside, keep going)
        _failed(tools, claimed, error)
    else:
        _answer(tools, outcome)


def _prepare(tools: Runtime, claimed: ClaimedEvent) -> Prepared:
    """Parse, and fetch what the rules need from outside: no transaction is open."""
    channel = tools.channel(claimed.channel)
    raw = RawEvent(
        channel=claimed.channel,
        external_id=claimed.external_id,
        conversation=claimed.conversation,
        payload=claimed.payload,
        facts=claimed.facts,
    )
    parsed = tuple(as_left(tools, raw.channel, resumed(tools, each)) for each in channel.parse(raw))
    taken = EventFiles(tools, claimed)
    files = {**taken.of(parsed), **_originals(tools, taken, parsed)}
    profiles = _profiles(channel, parsed)
    told = tuple(with_names(each, profiles) for each in taken.told(parsed))
    return Prepared(parsed=told, files=files, profiles=profiles)


def _profiles(channel: Channel, parsed: Sequence[Parsed]) -> Mapping[ExternalId, Profile | None]:
    messages = {each.sender for each in parsed if isinstance(each, InboundMessage)}
    actions = {each.actor for each in parsed if isinstance(each, AgentAction)}
    authors = {each.about.sender for each in parsed if isinstance(each, AgentAction) and each.about}
    named = {person for each in parsed for person in people_named(each)}
    return {person: channel.profile(person) for person in messages | actions | authors | named}


def _originals(tools: Runtime, taken: EventFiles, parsed: Sequence[Parsed]) -> Mapping[int, Sequence[StoredFile]]:
    """Put the originals that agents ask to see into the store; whether they may see them is asked later."""
    asked = {
        index: row_id(said.value)
        for index, said in enumerate(parsed)
        if isinstance(said, AgentAction) and said.action == originals.ACTION
    }
    return {index: _original(tools, taken, message_id) for index, message_id in asked.items() if message_id}


def _original(tools: Runtime, taken: EventFiles, message_id: int) -> Sequence[StoredFile]:
    with tools.database.session_scope() as session:
        file = originals.original_of(session, message_id)
    return [taken.keep(file, file.content())] if file else []


def _record(tools: Runtime, claimed: ClaimedEvent, prepared: Prepared) -> Outcome:
    with tools.database.session_scope() as session:
        outcome = tools.recorder.record(session, claimed, prepared)
        if not finish_event(session, claimed, outcome.status, outcome.reason):
            raise LeaseLostError
    log.info("event_ingested", event_id=claimed.id, channel=claimed.channel, status=str(outcome.status))
    return outcome


def _finish(tools: Runtime, claimed: ClaimedEvent, outcome: Outcome) -> None:
    with tools.database.session_scope() as session:
        ours = finish_event(session, claimed, outcome.status, outcome.reason)
    if not ours:
        log.warning("lease_lost", event_id=claimed.id)
    elif outcome.status is EventStatus.FAILED:
        log.warning("event_set_aside", event_id=claimed.id, channel=claimed.channel)
    else:
        log.info("event_closed", event_id=claimed.id, channel=claimed.channel, status=str(outcome.status))


def _outside_is_away(tools: Runtime, claimed: ClaimedEvent, error: TryLater) -> None:
    """Wait as long again as it has been, without counting it against the event; after a day it is set aside."""
    waited = now() - claimed.tried_since
    if waited > GIVE_UP_AFTER:
        _finish(tools, claimed, Outcome(status=EventStatus.FAILED, reason=f"given up after {GIVE_UP_AFTER}: {error}"))
        return
    delay = min(max(waited, SHORTEST_BACKOFF), LONGEST_BACKOFF)
    _postpone(tools, claimed, delay, str(error), blameless=True)


def _postpone(tools: Runtime, claimed: ClaimedEvent, delay: timedelta, reason: str, *, blameless: bool) -> None:
    with tools.database.session_scope() as session:
        if postpone_event(session, claimed, now() + delay, reason, blameless=blameless):
            seconds = delay.total_seconds()
            enqueue(session, Wakeup(task="inbound.ingest", channel=claimed.channel, row_id=claimed.id, delay=seconds))
    log.info("event_postponed", event_id=claimed.id, seconds=delay.total_seconds())


def _failed(tools: Runtime, claimed: ClaimedEvent, error: Exception) -> None:
    """Log where it went wrong, without the values; try again, or set the event aside."""
    where = "".join(traceback.format_tb(error.__traceback__)[-3:])
    log.error("ingest_failed", event_id=claimed.id, error=type(error).__name__, where=where)
    if claimed.attempts - claimed.postponements < MAX_ATTEMPTS:
        _postpone(tools, claimed, RETRY_DELAY, type(error).__name__, blameless=False)
    else:
        _finish(tools, claimed, Outcome(status=EventStatus.FAILED, reason=type(error).__name__))


def _answer(tools: Runtime, outcome: Outcome) -> None:
    for ask in outcome.asks:
        _ask(tools, ask)
    for answer in outcome.answers:
        _say(tools, answer)
    for shown in outcome.homes:
        _show_home(tools, shown)


def _show_home(tools: Runtime, shown: HomeShown) -> None:
    try:
        tools.agents_desk.show_home(shown.person, shown.home)
    except ChannelError as error:
        log.warning("home_not_shown", reason=str(error))


def _ask(tools: Runtime, ask: Ask) -> None:
    try:
        tools.agents_desk.ask(ask.trigger, ask.answer_url, ask.asked)
    except ChannelError as error:
        log.warning("form_not_opened", reason=str(error))
        _say(tools, Answer(text=NO_FORM, url=ask.answer_url))


def _say(tools: Runtime, answer: Answer) -> None:
    try:
        if answer.url:
            tools.agents_desk.answer(answer.url, answer.text, answer.listing)
        elif answer.place is not None and answer.person is not None:
            tools.agents_desk.whisper(answer.place, answer.thread, answer.person, answer.text)
    except ChannelError as error:
        log.warning("answer_not_given", reason=str(error))
