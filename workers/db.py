"""Sessions: the one place that commits, and that wakes workers once it has.

`enqueue` notes a wake-up in the session; `session_scope` publishes it after the commit, and never on a rollback. A lost
wake-up costs time, not a message: the sweeper finds every row that is due.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.orm import Session

from models.base import hold_lock, ping
from models.deliveries import NewDelivery, add_deliveries

LOCK_TIMEOUT = timedelta(seconds=10)
STATEMENT_TIMEOUT = timedelta(seconds=20)

# The longest that a wake-up may wait in a worker; what is due later is the sweeper's.
LONGEST_DELAY = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wakeup:
    """The word to a worker that a row is due: which task, on which channel, which row, in how many seconds."""

    task: str
    channel: str
    row_id: int
    delay: float = 0.0


Publish = Callable[[Sequence[Wakeup]], None]


class Database:
    """A PostgreSQL, and how to tell workers about its rows."""

    def __init__(self, url: str, publish: Publish, *, pool_size: int = 5) -> None:
        self.engine = make_engine(url, pool_size=pool_size)
        self._publish = publish

    @contextmanager
    def session_scope(self) -> Iterator[Session]:
        """Open a session, commit at the end, roll back on any error, publish wake-ups after the commit."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session
            session.commit()
            wakeups: list[Wakeup] = session.info.pop("wakeups", [])
        if wakeups:
            self._publish(wakeups)

    @contextmanager
    def lock(self, name: str) -> Iterator["HeldLock | None"]:
        """Hold a lock by name for as long as the context lasts; `None` when another process has it."""
        with self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # the lock is the connection's: it must end here, and not go back to the pool
            yield HeldLock(connection) if hold_lock(connection, name) else None


class HeldLock:
    """A lock of this process, lost with its connection to the database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self) -> None:
        """Raise what the database raises when the lock may be another's by now."""
        ping(self._connection)


def enqueue(session: Session, wakeup: Wakeup) -> None:
    """Wake a worker for a row once this session has committed."""
    if wakeup.delay <= LONGEST_DELAY:
        session.info.setdefault("wakeups", []).append(wakeup)


def deliver_soon(session: Session, deliveries: Sequence[NewDelivery]) -> None:
    """Store sends and wake a worker for each when it is due."""
    for delivery_id, channel, hold in add_deliveries(session, deliveries):
        enqueue(session, Wakeup(task="outbound.deliver", channel=channel, row_id=delivery_id, delay=hold))


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """Return an engine whose sessions are UTC and wait for nothing for ever."""
    options = " ".join(
        f"-c {name}={value}"
        for name, value in {
            "timezone": "UTC",
            "lock_timeout": int(LOCK_TIMEOUT.total_seconds() * 1000),
            "statement_timeout": int(STATEMENT_TIMEOUT.total_seconds() * 1000),
            "idle_in_transaction_session_timeout": 60_000,
        }.items()
    )
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        hide_parameters=True,  # values are personal data; an error's text goes to the log
        pool_pre_ping=True,  # a server that restarted costs one round trip, not an error
        connect_args={"options": options, "connect_timeout": 3, "application_name": "frontdesk"},
    )
    event.listen(engine, "handle_error", _keep_first_line)
    return engine


def _keep_first_line(context: ExceptionContext) -> None:
    """Cut what PostgreSQL adds below an error's first line: it quotes the row, and logs and Flower quote the error."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])
