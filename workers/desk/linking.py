"""Members of the workspace who turn out to be users: linked once, and told so."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from channels.base import AgentAction, InboundMessage
from workers.desk.identity import newly_linked
from workers.desk.outcome import Answer, Prepared, answer_to
from workers.logs import get_logger

log = get_logger()


def link_people(session: Session, prepared: Prepared) -> Iterator[Answer]:
    """Link whoever speaks in an event and can be linked, before anything asks who they are; tell each of them."""
    for said in prepared.parsed:
        if not isinstance(said, InboundMessage | AgentAction):
            continue
        person = said.actor if isinstance(said, AgentAction) else said.sender
        user = newly_linked(session, person, prepared.profiles.get(person))
        if user is not None:
            log.info("slack_account_linked", user_id=user.id)
            yield answer_to(said, f"Your Slack account was linked to {user.name}, whose mail address it has.")
