"""Asking the outside what it said, for what its calls did not bring."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.base import ExternalId
from channels.errors import TryLater
from models.base import now
from models.departments import AGENTS
from models.reconciliations import mark_reconciled, places_to_reconcile
from workers.inbox import Inbox
from workers.logs import get_logger
from workers.outbox import AGENTS_CHANNEL
from workers.runtime import Runtime

log = get_logger()

# What was said a moment before the last look may not have been readable yet, and clocks differ.
OVERLAP = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Compares what was said in Slack's channels with what was heard."""

    tools: Runtime
    inbox: Inbox
    overlap: timedelta = OVERLAP

    def run(self) -> int:
        """Look at every channel once and return how many messages were found that nobody had heard."""
        with self.tools.database.session_scope() as session:
            places = places_to_reconcile(session, (AGENTS, AGENTS_CHANNEL))
        return sum(self._look(place, since) for place, since in places if "/" in place.value)

    def _look(self, place: ExternalId, since: datetime | None) -> int:
        """Look at one channel; of one that was never looked at, what was said before now is not ours."""
        asked_at, found = now(), 0
        if since is not None:
            try:
                missed = self.tools.agents_desk.missed(place, since - self.overlap)
            except TryLater as error:
                log.warning("channel_not_reconciled", reason=str(error))
                return 0
            found = self.inbox.accept(missed)
        with self.tools.database.session_scope() as session:
            mark_reconciled(session, place, asked_at)
        if found:
            log.warning("missed_messages_found", count=found)
        return found
