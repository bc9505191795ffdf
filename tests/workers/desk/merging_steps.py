"""Merging and undoing as the command line does it; the work that this makes is not done yet."""

from sqlalchemy.orm import Session

from models.inbound_events import due_events
from models.merges import Merge
from models.users import User, user_by_email
from tests.desk import NO_TIME, Desk
from workers.tasks.inbound import ingest_conversation

ADA = "ada@desk.example"
BEN = "ben@desk.example"


def merge_tickets(desk: Desk, kept: int, merged: int, agent: str = ADA) -> Merge:
    with desk.session() as session:
        return desk.tools.merging.merge_tickets(session, kept, merged, user(session, agent))


def merge_clients(desk: Desk, kept: int, merged: int, agent: str = ADA) -> Merge:
    with desk.session() as session:
        return desk.tools.merging.merge_clients(session, kept, merged, user(session, agent))


def undo(desk: Desk, merge: Merge, agent: str = ADA) -> None:
    with desk.session() as session:
        desk.tools.merging.undo_merge(session, merge.id, user(session, agent))


def user(session: Session, email: str) -> User:
    found = user_by_email(session, email)
    assert found is not None
    return found


def ingest(desk: Desk) -> None:
    """Record what has arrived and let every send wait."""
    with desk.session() as session:
        events = due_events(session, older_than=NO_TIME, limit=1000)
    for event_id, _ in events:
        ingest_conversation(desk.tools, event_id)


def tables(desk: Desk) -> list[str]:
    named = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    return [str(each) for each in desk.scalars(named)]
