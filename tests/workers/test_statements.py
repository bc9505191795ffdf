"""How many SQL statements one message costs; beginnings and ends of transactions come on top."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event

from models.inbound_events import due_events
from tests.desk import NO_TIME, Desk
from workers.tasks.inbound import ingest_conversation

MOST = 15


@contextmanager
def counted(desk: Desk) -> Iterator[list[str]]:
    """Collect the statements that the desk's database is sent."""
    statements: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = desk.tools.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def ingest(desk: Desk) -> list[str]:
    """Ingest the one event that waits and return the statements it took."""
    with desk.tools.database.session_scope() as session:
        ((event_id, _),) = due_events(session, older_than=NO_TIME, limit=10)
    with counted(desk) as statements:
        ingest_conversation(desk.tools, event_id)
    verbs = Counter(statement.split(maxsplit=1)[0] for statement in statements)
    print(f"{len(statements)} statements: {dict(verbs)}")  # noqa: T201 (the count itself is of interest)
    return statements


def test_a_strangers_mail(desk: Desk) -> None:
    desk.mail()
    assert len(ingest(desk)) <= MOST
    assert desk.bodies() == ["It burns."]


def test_a_strangers_text_message(desk: Desk) -> None:
    desk.text("It burns.")
    assert len(ingest(desk)) <= MOST
    assert desk.bodies() == ["It burns."]


def test_a_known_clients_next_mail(desk: Desk) -> None:
    first = desk.mail()
    desk.work()
    desk.mail("Still.", headers={"In-Reply-To": first})
    assert len(ingest(desk)) <= MOST
    assert desk.bodies() == ["It burns.", "Still."]


@pytest.mark.parametrize("prefix", ["", "whatsapp:"], ids=["sms", "whatsapp"])
def test_a_known_clients_next_text_message(desk: Desk, prefix: str) -> None:
    ours = f"{prefix}+155501000{'02' if prefix else '01'}"
    desk.text("It burns.", sender=f"{prefix}+15557654321", to=ours)
    desk.work()
    desk.text("Still.", sender=f"{prefix}+15557654321", to=ours)
    assert len(ingest(desk)) <= MOST
    assert desk.bodies() == ["It burns.", "Still."]


def test_a_clients_first_and_next_messages_in_slack(desk: Desk) -> None:
    """Whose channel it is and what was changed must be asked first; beside the threads come a lock and a look back."""
    root = desk.say("It burns.", user="U0CLEO", channel="C0CLIENTS")
    assert len(ingest(desk)) <= MOST + 3
    desk.say("Still.", user="U0CLEO", channel="C0CLIENTS")
    assert len(ingest(desk)) <= MOST + 2
    desk.say("Hello?", user="U0CLEO", channel="C0CLIENTS", thread=root)
    assert len(ingest(desk)) <= MOST + 1
    assert desk.bodies() == ["It burns.", "Still.", "Hello?"]


def test_an_event_that_another_worker_holds_costs_one(desk: Desk) -> None:
    desk.mail()
    desk.work()
    with counted(desk) as statements:
        ingest_conversation(desk.tools, 1)
    assert len(statements) == 1
