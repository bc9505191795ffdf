"""Asking the outside what it said, for what its calls did not bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.base import THREADS_LISTED, Channel, ExternalId
from channels.errors import Stopped, TryLater
from models.base import now
from models.departments import AGENTS
from models.reconciliations import mark_reconciled, old_threads, places_to_reconcile
from workers.inbox import Inbox
from workers.logs import get_logger
from workers.runtime import Runtime

log = get_logger()

# What was said a moment before the last look may not have been readable yet, and clocks differ.
OVERLAP = timedelta(minutes=2)
# Threads that their whole place does not list any more; each is a call, of which Slack takes some fifty a minute.
OLD_THREADS = 20
# How long such a thread may have waited for its first turn.
FIRST_TURN = timedelta(days=1)
# Each conversation of a transaction holds a lock, of which PostgreSQL has some thousands.
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Compares what was said at our departments' addresses with what was heard."""

    tools: Runtime
    inbox: Inbox
    overlap: timedelta = OVERLAP
    listed: timedelta = THREADS_LISTED

    def run(self) -> int:
        """Look at every address once and return how many messages were found that nobody had heard."""
        sources, busy = self._sources(), set[str]()
        with self.tools.database.session_scope() as session:
            places = places_to_reconcile(session, tuple(sources))
        found = {place: self._try(sources[place.type], place, since, busy) for place, since in places}
        for thread, since in self._old_threads([each for each in places if found[each[0]] is not None]):
            found[thread] = self._try(sources[thread.type], thread, since, busy)
        return sum(each or 0 for each in found.values())

    def _old_threads(self, places: Sequence[tuple[ExternalId, datetime | None]]) -> list[tuple[ExternalId, datetime]]:
        """Return the threads whose turn it is in these places, each with the moment before which nothing is missing."""
        known = {place: since for place, since in places if since is not None}
        with self.tools.database.session_scope() as session:
            threads = old_threads(session, known, now() - self.listed, OLD_THREADS)
        return [(thread, since or known[_place_of(thread)] - FIRST_TURN) for thread, since in threads]

    def _try(self, channel: Channel, place: ExternalId, since: datetime | None, busy: set[str]) -> int | None:
        """Look at one place and return what was found, `None` when it cannot be asked now; of busy channels none is."""
        if channel.name in busy:
            return None
        try:
            return self._look(channel, place, since)
        except TryLater as error:
            log.warning("channel_not_reconciled", channel=channel.name, reason=str(error))
            if error.retry_after is not None and not isinstance(error, Stopped):  # which is one place's trouble
                busy.add(channel.name)
            return None

    def _sources(self) -> Mapping[str, Channel]:
        """Return the channels that can be asked, by the type of their addresses."""
        every = self.tools.channels.channels.values()
        types = {**{each.address_type: each for each in every}, AGENTS: self.tools.agents_desk}
        return {kind: each for kind, each in types.items() if each.lists_received and each.connected}

    def _look(self, channel: Channel, place: ExternalId, since: datetime | None) -> int:
        """Look at one address; of one that was never looked at, what was said before now is not ours."""
        asked_at = now()
        missed = channel.missed(place, since - self.overlap) if since is not None else ()
        found = sum(self.inbox.accept(missed[start : start + BATCH]) for start in range(0, len(missed), BATCH))
        with self.tools.database.session_scope() as session:
            mark_reconciled(session, place, asked_at)
        if found:
            log.warning("missed_messages_found", channel=channel.name, count=found)
        return found


def _place_of(thread: ExternalId) -> ExternalId:
    return ExternalId(type=thread.type, value=thread.value.rpartition("/")[0])
