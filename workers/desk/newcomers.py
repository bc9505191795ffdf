"""Looking at clients who are new: apart from recording what they wrote, which must be quick."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from channels.base import ExternalId, Profile
from channels.errors import TryLater
from models.clients import names_of_client
from models.resemblances import greet, newcomers
from workers.desk.resembling import Resembling
from workers.logs import get_logger
from workers.outbox import AGENTS_CHANNEL
from workers.runtime import Runtime

log = get_logger()

NEWCOMERS_A_LOOK = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomers:
    """Asks Slack who they are, then looks for them among the clients we know."""

    tools: Runtime

    def look(self) -> int:
        """Look at those who are new and return how many questions that made; two at once do no harm."""
        with self.tools.database.session_scope() as session:
            new = {each: names_of_client(session, each) for each in newcomers(session, NEWCOMERS_A_LOOK)}
        return sum(self._look_at(client_id, names) for client_id, names in new.items())

    def _look_at(self, client_id: int, names: Sequence[ExternalId]) -> int:
        try:
            profiles = self._profiles(names)
        except TryLater as error:
            log.warning("newcomer_not_looked_at", client_id=client_id, reason=str(error))
            return 0
        try:
            with self.tools.database.session_scope() as session:
                return Resembling(outbox=self.tools.outbox).look_at(session, client_id, profiles)
        except DBAPIError as error:  # others wait behind this one, and it is a question only
            log.warning("newcomer_not_looked_at", client_id=client_id, reason=type(error).__name__)
            with self.tools.database.session_scope() as session:
                greet(session, client_id)
            return 0

    def _profiles(self, names: Sequence[ExternalId]) -> list[Profile]:
        people = [each for each in names if each.type == AGENTS_CHANNEL and self.tools.agents_desk.connected]
        found = (self.tools.agents_desk.profile(each) for each in people)
        return [each for each in found if each is not None]
