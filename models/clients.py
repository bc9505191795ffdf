"""Clients, and the outside names by which they are known."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base
from models.external_ids import ExternalId
from models.resemblances import Newcomer

# The type of names among which ids take the place of numbers.
HIDES_NUMBERS = "whatsapp"
SEARCHED_NAME: ColumnElement[Any] = literal_column("to_tsvector('simple', clients.name)")


class Client(Base):
    """Somebody who writes to us."""

    __tablename__ = "clients"
    __table_args__ = (Index("clients_name_words_idx", text("to_tsvector('simple', name)"), postgresql_using="gin"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    data: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW, onupdate=UTC_NOW)


class ClientExternalId(Base):
    """One outside name of a client: an address, a number, a Slack user."""

    __tablename__ = "client_external_ids"
    __table_args__ = (
        UniqueConstraint("type", "value"),
        # By how a value begins, whatever the database's collation.
        Index("client_external_ids_value_idx", "value", postgresql_ops={"value": "varchar_pattern_ops"}),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    type: Mapped[str] = mapped_column(String(50))
    value: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAs:
    """How a message names its sender.

    `stated` are the names that it gives, the one in use first: they are noted on the client. `alike` are other ways to
    write them: a client who has one of those is the same person.
    """

    stated: tuple[ExternalId, ...]
    alike: tuple[ExternalId, ...] = ()

    @property
    def names(self) -> tuple[ExternalId, ...]:
        """Return all names, in the order in which they decide."""
        return (*self.stated, *self.alike)


def get_or_create_client(session: Session, sender: KnownAs, *, name: str) -> int:
    """Return the id of the client known by any of these names, made when there is none.

    Safe under any number of simultaneous first messages: whoever comes second waits for the first to commit and reads
    the winner.
    """
    return known_client(session, sender) or create_client(session, sender, name=name)


def create_client(session: Session, sender: KnownAs, *, name: str) -> int:
    """Make the client of these names, or return the one that somebody else has made meanwhile.

    Whoever shares a name with another waits for them: all values are locked, in one order.
    """
    values = func.unnest(cast(sorted({each.value for each in sender.names}), ARRAY(String))).column_valued("value")
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(values, 0))))
    return known_client(session, sender) or _make(session, sender, name)


def known_client(session: Session, sender: KnownAs) -> int | None:
    """Look all names up at once; those that are stated and were not known are added.

    The names stay this client's until the transaction ends: a merge of clients waits for it, or is waited for.
    """
    rows = session.execute(
        select(ClientExternalId.type, ClientExternalId.value, ClientExternalId.client_id)
        .where(_any_of(sender.names))
        .order_by(ClientExternalId.id)
        .with_for_update(read=True)
    )
    known: dict[ExternalId, int] = {ExternalId(type=row.type, value=row.value): row.client_id for row in rows}
    if not known:
        return None
    client_id = next(known[each] for each in sender.names if each in known)
    _note(session, client_id, [each for each in sender.stated if each not in known])
    return client_id


def _any_of(names: Sequence[ExternalId]) -> ColumnElement[bool]:
    return tuple_(ClientExternalId.type, ClientExternalId.value).in_([(each.type, each.value) for each in names])


def _make(session: Session, sender: KnownAs, name: str) -> int:
    first, *others = sender.stated
    made = insert(Client).values(name=name).returning(Client.id).cte("made")
    named = insert(ClientExternalId).from_select(
        ["client_id", "type", "value"], select(made.c.id, literal(first.type), literal(first.value))
    )
    noted = insert(Newcomer).from_select(["client_id"], select(made.c.id)).cte("noted")
    client_id = session.scalars(named.returning(ClientExternalId.client_id).add_cte(noted)).one()
    _note(session, client_id, others)
    return client_id


def _note(session: Session, client_id: int, names: Sequence[ExternalId]) -> None:
    if names:
        rows = [{"client_id": client_id, "type": each.type, "value": each.value} for each in names]
        session.execute(insert(ClientExternalId).values(rows).on_conflict_do_nothing())


def client_by_id(session: Session, client_id: int) -> Client | None:
    """Return a client."""
    return session.get(Client, client_id)


def names_of_client(session: Session, client_id: int) -> list[ExternalId]:
    """Return the outside names of a client."""
    rows = session.execute(
        select(ClientExternalId.type, ClientExternalId.value)
        .where(ClientExternalId.client_id == client_id)
        .order_by(ClientExternalId.id)
    )
    return [ExternalId(type=row.type, value=row.value) for row in rows]


def maybe_same_phone(client_id: int | None, address: ExternalId) -> Select[str]:
    """Select those of a client's names that may be the phone of an address of `HIDES_NUMBERS`; for other statements.

    Two numbers are two phones. An id that stands for a hidden number may be any of the client's.
    """
    hidden = ~ClientExternalId.value.startswith("+")
    return select(ClientExternalId.value).where(
        ClientExternalId.client_id == client_id,
        ClientExternalId.type == address.type,
        hidden if address.value.startswith("+") else true(),
    )


def clients_known_as(session: Session, names: Sequence[ExternalId]) -> list[Client]:
    """Return the clients who have any of these outside names."""
    if not names:
        return []
    known = select(ClientExternalId.client_id).where(_any_of(names))
    return list(session.scalars(select(Client).where(Client.id.in_(known)).order_by(Client.id)))


def clients_alike(session: Session, name: str, local_parts: Sequence[str], limit: int = 20) -> list[Client]:
    """Return clients of this name, in whatever case, who have a mail address that begins with one of these parts."""
    if not local_parts:
        return []
    addresses = (ClientExternalId.value.startswith(f"{each}@", autoescape=True) for each in local_parts)
    alike = select(ClientExternalId.client_id).where(ClientExternalId.type == "email", or_(*addresses))
    return list(
        session.scalars(
            select(Client)
            .where(Client.id.in_(alike), func.lower(Client.name) == name.lower())
            .order_by(Client.id)
            .limit(limit)
        )
    )


def fill_blank_name(session: Session, client_id: int, name: str, placeholders: Collection[str]) -> None:
    """Give a client a name where only a placeholder stood; a name that is there is never overwritten."""
    session.execute(update(Client).where(Client.id == client_id, Client.name.in_(placeholders)).values(name=name))
