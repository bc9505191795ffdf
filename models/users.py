"""Agents and administrators: who they are, how Slack knows them, which departments are theirs."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Integer, String, Table, UniqueConstraint, delete, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base, one_of
from models.external_ids import ExternalId


class UserType(StrEnum):
    """An administrator may act in every department, an agent in their own."""

    ADMINISTRATOR = "administrator"
    AGENT = "agent"


class User(Base):
    """Someone who answers clients."""

    __tablename__ = "users"
    __table_args__ = (one_of("type", UserType),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(50))
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW, onupdate=UTC_NOW)


class UserOAuthAccount(Base):
    """The name an outside provider has for a user."""

    __tablename__ = "user_oauth_accounts"
    __table_args__ = (UniqueConstraint("provider", "provider_user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    provider: Mapped[str] = mapped_column(String(50))
    provider_user_id: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)


user_departments = Table(
    "user_departments",
    Base.metadata,
    Column("user_id", Integer, ForeignKey("users.id"), primary_key=True),
    Column("department_id", Integer, ForeignKey("departments.id"), primary_key=True),
)


def user_by_account(session: Session, account: ExternalId) -> User | None:
    """Return the user whom the provider `account.type` calls `account.value`."""
    return session.scalar(
        select(User)
        .join(UserOAuthAccount)
        .where(UserOAuthAccount.provider == account.type, UserOAuthAccount.provider_user_id == account.value)
    )


def user_by_email(session: Session, email: str) -> User | None:
    """Return the user with this address, compared in lower case."""
    return session.scalar(select(User).where(User.email == email.lower()))


def link_account(session: Session, user: User, account: ExternalId) -> bool:
    """Note that a provider's account is this user's; false when the account is somebody's already."""
    statement = insert(UserOAuthAccount).values(user_id=user.id, provider=account.type, provider_user_id=account.value)
    made = session.execute(statement.on_conflict_do_nothing().returning(UserOAuthAccount.id))
    return made.scalar() is not None


def unlink_account(session: Session, account: ExternalId) -> User | None:
    """Forget whose a provider's account is, and return whose it was; `None` when it was nobody's."""
    gone = delete(UserOAuthAccount).where(
        UserOAuthAccount.provider == account.type, UserOAuthAccount.provider_user_id == account.value
    )
    user_id = session.scalar(gone.returning(UserOAuthAccount.user_id))
    return session.get(User, user_id) if user_id is not None else None


def deactivate(session: Session, user: User) -> None:
    """Let a user act nowhere any more; what they did stays theirs."""
    session.execute(delete(UserOAuthAccount).where(UserOAuthAccount.user_id == user.id))
    set_departments(session, user, set())
    user.type = UserType.AGENT


def works_in(session: Session, user: User, department_id: int | None) -> bool:
    """Say whether a user may act on tickets of a department now; tickets of none are the administrators'."""
    if user.type == UserType.ADMINISTRATOR:
        return True
    membership = exists().where(
        user_departments.c.user_id == user.id, user_departments.c.department_id == department_id
    )
    return bool(session.scalar(select(membership)))


def agents_of(session: Session, department_id: int | None) -> list[User]:
    """Return everybody who may act on tickets of a department now, by name."""
    members = select(user_departments.c.user_id).where(user_departments.c.department_id == department_id)
    may = or_(User.type == UserType.ADMINISTRATOR, User.id.in_(members))
    return list(session.scalars(select(User).where(may).order_by(User.name, User.id)))


def active_users(session: Session) -> list[User]:
    """Return the users who may act in any department, by name."""
    member = exists().where(user_departments.c.user_id == User.id)
    return list(
        session.scalars(
            select(User).where(or_(User.type == UserType.ADMINISTRATOR, member)).order_by(User.name, User.id)
        )
    )


def list_users(session: Session) -> list[User]:
    """Return all users by name."""
    return list(session.scalars(select(User).order_by(User.name)))


def accounts_of(session: Session, user: User) -> set[tuple[str, str]]:
    """Return the (provider, provider_user_id) pairs of a user."""
    rows = session.execute(
        select(UserOAuthAccount.provider, UserOAuthAccount.provider_user_id).where(UserOAuthAccount.user_id == user.id)
    )
    return {(row.provider, row.provider_user_id) for row in rows}


def departments_of(session: Session, user: User) -> set[int]:
    """Return the ids of a user's departments."""
    return set(session.scalars(select(user_departments.c.department_id).where(user_departments.c.user_id == user.id)))


def set_departments(session: Session, user: User, department_ids: set[int]) -> None:
    """Make these a user's departments, and no others."""
    session.execute(delete(user_departments).where(user_departments.c.user_id == user.id))
    if department_ids:
        session.execute(
            insert(user_departments), [{"user_id": user.id, "department_id": each} for each in sorted(department_ids)]
        )
