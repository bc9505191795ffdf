"""Clients, and the outside names by which they are known."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base
from models.external_ids import ExternalId
from models.resemblances import Newcomer


class Client(Base):
    """Somebody who writes to us."""

    __tablename__ = "clients"

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


def get_or_create_client(session: Session, aliases: Sequence[ExternalId], *, name: str) -> int:
    """Return the id of the client known by any of `aliases`, made with the first of them when there is none.

    `aliases` are names of one person (a number by SMS and by WhatsApp); the first is the one in use now and is noted on
    the client if it was new. Safe under any number of simultaneous first messages: whoever comes second waits for the
    first to commit and reads the winner.
    """
    return known_client(session, aliases) or create_client(session, aliases, name=name)


def create_client(session: Session, aliases: Sequence[ExternalId], *, name: str) -> int:
    """Make the client of these names, or return the one that somebody else has made meanwhile."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(aliases[0].value, 0))))
    return known_client(session, aliases) or _make(session, aliases[0], name)


def known_client(session: Session, aliases: Sequence[ExternalId]) -> int | None:
    """Look all names up at once; the one in use now is added when only another was known.

    The names stay this client's until the transaction ends: a merge of clients waits for it, or is waited for.
    """
    rows = session.execute(
        select(ClientExternalId.type, ClientExternalId.client_id)
        .where(tuple_(ClientExternalId.type, ClientExternalId.value).in_([(each.type, each.value) for each in aliases]))
        .order_by(ClientExternalId.id)
        .with_for_update(read=True)
    ).all()
    known: dict[str, int] = {row.type: row.client_id for row in rows}
    if not known:
        return None
    if aliases[0].type not in known:
        _note(session, next(iter(known.values())), aliases[0])
    return known.get(aliases[0].type, next(iter(known.values())))


def _make(session: Session, known_as: ExternalId, name: str) -> int:
    made = insert(Client).values(name=name).returning(Client.id).cte("made")
    named = insert(ClientExternalId).from_select(
        ["client_id", "type", "value"], select(made.c.id, literal(known_as.type), literal(known_as.value))
    )
    noted = insert(Newcomer).from_select(["client_id"], select(made.c.id)).cte("noted")
    return session.scalars(named.returning(ClientExternalId.client_id).add_cte(noted)).one()


def _note(session: Session, client_id: int, name: ExternalId) -> None:
    session.execute(
        insert(ClientExternalId).values(client_id=client_id, type=name.type, value=name.value).on_conflict_do_nothing()
    )


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


def clients_known_as(session: Session, names: Sequence[ExternalId]) -> list[Client]:
    """Return the clients who have any of these outside names."""
    if not names:
        return []
    pairs = [(each.type, each.value) for each in names]
    known = select(ClientExternalId.client_id).where(tuple_(ClientExternalId.type, ClientExternalId.value).in_(pairs))
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


def fill_blank_name(session: Session, client_id: int, name: str, placeholder: str) -> None:
    """Give a client a name where only a placeholder stood; a name that is there is never overwritten."""
    client = session.get_one(Client, client_id)
    if client.name == placeholder:
        client.name = name
