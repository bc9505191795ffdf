"""Asking the outside what it said, for what its calls did not bring."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.base import Channel, ExternalId
from channels.errors import Stopped, TryLater
from models.base import now
from models.departments import AGENTS
from models.reconciliations import mark_reconciled, places_to_reconcile
from workers.inbox import Inbox
from workers.logs import get_logger
from workers.runtime import Runtime

log = get_logger()

# What was said a moment before the last look may not have been readable yet, and clocks differ.
OVERLAP = timedelta(minutes=2)
# Each conversation of a transaction holds a lock, of which PostgreSQL has some thousands.
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Compares what was said at our departments' addresses with what was heard."""

    tools: Runtime
    inbox: Inbox
    overlap: timedelta = OVERLAP

    def run(self) -> int:
        """Look at every address once and return how many messages were found that nobody had heard."""
        sources = self._sources()
        with self.tools.database.session_scope() as session:
            places = places_to_reconcile(session, tuple(sources))
        found, busy = 0, set[str]()
        for place, since in places:
            channel = sources[place.type]
            if channel.name in busy:
                continue
            try:
                found += self._look(channel, place, since)
            except TryLater as error:
                log.warning("channel_not_reconciled", channel=channel.name, reason=str(error))
                if error.retry_after is not None and not isinstance(error, Stopped):  # which is one place's trouble
                    busy.add(channel.name)
        return found

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
