"""Departments, the addresses that are theirs, and how each wants to work."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Integer,
    ScalarSelect,
    String,
    Text,
    UniqueConstraint,
    exists,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, aliased, mapped_column

from models.base import UTC_NOW, Base, Identified, one_of
from models.external_ids import ExternalId

# The type of the Slack channel in which a department's agents work.
AGENTS = "slack_agents"


class ReplyMode(StrEnum):
    """What leaves the agents' thread: every message that is no note, or only those that begin with `reply:`."""

    THREAD = "thread"
    PREFIX = "prefix"


class Department(Base):
    """A desk."""

    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)
    description: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)


class DepartmentExternalId(Identified, Base):
    """An address of ours: a mailbox, a number, a Slack channel for clients or for agents."""

    __tablename__ = "department_external_ids"
    __table_args__ = (UniqueConstraint("type", "value"),)

    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id"), index=True)
    type: Mapped[str] = mapped_column(String(50))
    value: Mapped[str] = mapped_column(String(255))


class DepartmentSettings(Base):
    """How a department works, where it differs from the defaults: no row means all defaults."""

    __tablename__ = "department_settings"
    __table_args__ = (one_of("reply_mode", ReplyMode),)

    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id"), primary_key=True)
    reply_mode: Mapped[str] = mapped_column(String(50), server_default=ReplyMode.THREAD)
    set_aside_automatic: Mapped[bool] = mapped_column(server_default="false")
    from_name: Mapped[str] = mapped_column(String(255), server_default="")
    signature: Mapped[str] = mapped_column(Text, server_default="")
    acknowledge: Mapped[bool] = mapped_column(server_default="false")
    acknowledgement: Mapped[str] = mapped_column(Text, server_default="")
    assign_first_answer: Mapped[bool] = mapped_column(server_default="true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a department works; these are the defaults.

    `from_name` is who answers as clients see it, empty for the agent's and the department's names; `signature` stands
    below every mail. With `acknowledge`, a new ticket by mail is acknowledged, in the words of `acknowledgement`. With
    `assign_first_answer`, a ticket that nobody has is its first answer's author's.
    """

    reply_mode: ReplyMode = ReplyMode.THREAD
    set_aside_automatic: bool = False
    from_name: str = ""
    signature: str = ""
    acknowledge: bool = False
    acknowledgement: str = ""
    assign_first_answer: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a ticket is worked on: its department, and the newest Slack channel (`T…/C…`) of its agents if any.

    `among_agents` says that it was found by a channel of agents, not by an address for clients.
    """

    department_id: int | None = None
    agents_channel: str | None = None
    among_agents: bool = False


def desk_owning(session: Session, addresses: Sequence[ExternalId]) -> Desk:
    """Return the desk of the department that owns the first of these addresses that anybody owns."""
    pairs = [(each.type, each.value) for each in addresses]
    rows = session.execute(
        select(
            DepartmentExternalId.type,
            DepartmentExternalId.value,
            DepartmentExternalId.department_id,
            _agents_channel(DepartmentExternalId.department_id).label("agents_channel"),
        ).where(tuple_(DepartmentExternalId.type, DepartmentExternalId.value).in_(pairs))
    ).all()
    owners = {(row.type, row.value): row for row in rows}
    first = next((owners[pair] for pair in pairs if pair in owners), None)
    if first is None:
        return Desk()
    among_agents = first.type == AGENTS
    return Desk(department_id=first.department_id, agents_channel=first.agents_channel, among_agents=among_agents)


def desk_of(session: Session, department_id: int | None) -> Desk:
    """Return the desk of a department."""
    channel = session.scalar(select(_agents_channel(literal(department_id, Integer)))) if department_id else None
    return Desk(department_id=department_id, agents_channel=channel)


def _agents_channel(department_id: ColumnElement[int] | InstrumentedAttribute[int]) -> ScalarSelect[str]:
    agents = aliased(DepartmentExternalId)
    return (
        select(agents.value)
        .where(agents.department_id == department_id, agents.type == AGENTS)
        .order_by(agents.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def addresses_of(session: Session, department_id: int) -> set[tuple[str, str]]:
    """Return the (type, value) pairs of a department."""
    rows = session.execute(
        select(DepartmentExternalId.type, DepartmentExternalId.value).where(
            DepartmentExternalId.department_id == department_id
        )
    )
    return {(row.type, row.value) for row in rows}


def addresses_of_types(session: Session, types: Sequence[str]) -> list[tuple[str, ExternalId]]:
    """Return the departments' addresses of these types, each with its department's name, oldest first."""
    rows = session.execute(
        select(Department.name, DepartmentExternalId.type, DepartmentExternalId.value)
        .join(DepartmentExternalId)
        .where(DepartmentExternalId.type.in_(types))
        .order_by(DepartmentExternalId.id)
    )
    return [(row.name, ExternalId(type=row.type, value=row.value)) for row in rows]


def owner_of(session: Session, address: ExternalId) -> str | None:
    """Return the name of the department that owns an address."""
    return session.scalar(
        select(Department.name)
        .join(DepartmentExternalId)
        .where(DepartmentExternalId.type == address.type, DepartmentExternalId.value == address.value)
    )


def owned(session: Session, addresses: Sequence[ExternalId]) -> list[ExternalId]:
    """Return those of these addresses that a department owns."""
    pairs = [(each.type, each.value) for each in addresses]
    rows = session.execute(
        select(DepartmentExternalId.type, DepartmentExternalId.value).where(
            tuple_(DepartmentExternalId.type, DepartmentExternalId.value).in_(pairs)
        )
    )
    return [ExternalId(type=row.type, value=row.value) for row in rows]


def has_address(session: Session, kinds: Collection[str]) -> bool:
    """Say whether any department has an address of one of these types."""
    return session.scalar(select(exists().where(DepartmentExternalId.type.in_(kinds)))) or False


def settings_of(session: Session, department_id: int | None) -> Habits:
    """Return how a department works; the defaults where it says nothing."""
    stored = session.get(DepartmentSettings, department_id) if department_id else None
    if stored is None:
        return Habits()
    return Habits(
        reply_mode=ReplyMode(stored.reply_mode),
        set_aside_automatic=stored.set_aside_automatic,
        from_name=stored.from_name,
        signature=stored.signature,
        acknowledge=stored.acknowledge,
        acknowledgement=stored.acknowledgement,
        assign_first_answer=stored.assign_first_answer,
    )


def save_settings(session: Session, department_id: int, habits: Habits) -> None:
    """Store how a department works."""
    values = asdict(habits)
    session.execute(
        insert(DepartmentSettings)
        .values(department_id=department_id, **values)
        .on_conflict_do_update(index_elements=["department_id"], set_=values)
    )


def department_by_name(session: Session, name: str) -> Department | None:
    """Return the department of this name."""
    return session.scalar(select(Department).where(Department.name == name))


def staffed_departments(session: Session) -> list[Department]:
    """Return the departments whose agents have a channel to work in, by name."""
    agents = select(DepartmentExternalId.department_id).where(DepartmentExternalId.type == AGENTS)
    return list(session.scalars(select(Department).where(Department.id.in_(agents)).order_by(Department.name)))


def add_address(session: Session, department_id: int, address: ExternalId) -> None:
    """Give a department an address that nobody has."""
    session.add(DepartmentExternalId(department_id=department_id, type=address.type, value=address.value))
