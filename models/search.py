"""Finding tickets by words: in titles, in what was said, in clients' names and addresses.

A word is found by its beginning, and each word of a question somewhere in the ticket. Notes are not looked at.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from psycopg.errors import QueryCanceled
from sqlalchemy import ColumnElement, Select, func, select, union
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from models.clients import SEARCHED_NAME, Client, ClientExternalId
from models.messages import SEARCHED_BODY, Message
from models.tickets import SEARCHED_TITLE, Ticket
from models.worklists import Worklist, newest, within

# Each word costs a look into every index; an address that begins with fewer characters is half the table.
MOST_WORDS = 6
SHORTEST_ADDRESS = 3
# Longer than any question that finds something useful; the event that asks waits in a worker.
PATIENCE = timedelta(seconds=3)


class TooMuchFoundError(Exception):
    """The words stand in so many tickets that looking takes too long."""


def search(
    session: Session, words: Sequence[str], limit: int, *, department_ids: Collection[int] | None = None
) -> Worklist:
    """Return the newest tickets in which every word stands. Raises `TooMuchFoundError`.

    With `department_ids`, those of these departments only.
    """
    found = [Ticket.id.in_(union(*_places(word))) for word in words[:MOST_WORDS]]
    with _patience(session):
        return newest(session, limit, within(department_ids), *found)


def _places(word: str) -> Iterator[Select[int]]:
    query = func.to_tsquery("simple", _prefix(word))
    yield select(Message.ticket_id).where(SEARCHED_BODY.op("@@")(query))
    yield select(Ticket.id).where(SEARCHED_TITLE.op("@@")(query))
    yield select(Ticket.id).join(Client, Client.id == Ticket.client_id).where(SEARCHED_NAME.op("@@")(query))
    if len(word) >= SHORTEST_ADDRESS:
        yield (
            select(Ticket.id)
            .join(ClientExternalId, ClientExternalId.client_id == Ticket.client_id)
            .where(_begins(word))
        )


def _begins(word: str) -> ColumnElement[bool]:
    return ClientExternalId.value.startswith(word.lower(), autoescape=True)


def _prefix(word: str) -> str:
    """Return the text search query for a word's beginning, whatever characters are in it."""
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"


@contextmanager
def _patience(session: Session) -> Iterator[None]:
    """Let a statement take so long and no longer, without an end of the transaction it stands in."""
    usual = session.scalar(select(func.current_setting("statement_timeout")))
    try:
        with session.begin_nested():
            session.execute(_timeout(f"{PATIENCE // timedelta(milliseconds=1)}"))
            yield
    except OperationalError as error:
        if isinstance(error.orig, QueryCanceled):
            raise TooMuchFoundError from error
        raise
    session.execute(_timeout(usual))


def _timeout(value: str | None) -> Select[str]:
    until_the_end = True
    return select(func.set_config("statement_timeout", value, until_the_end))
