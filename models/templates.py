"""Texts that a provider has approved, as it last listed them, and the messages that are such texts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, delete, exists, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base, Identified
from models.deliveries import Delivery, DeliveryStatus
from models.messages import Message


class Template(Identified, Base):
    """One approved text of a channel's: `blanks` are the names that `{{…}}` in its body stands for."""

    __tablename__ = "templates"
    __table_args__ = (UniqueConstraint("channel", "external_id"),)

    channel: Mapped[str] = mapped_column(String(50))
    external_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(50))
    body: Mapped[str] = mapped_column(Text)
    blanks: Mapped[list[str]] = mapped_column(JSONB)
    listed_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)


class TemplateUse(Base):
    """A message that is a template with its blanks filled in; the template may be gone by now."""

    __tablename__ = "template_uses"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True, autoincrement=False)
    external_id: Mapped[str] = mapped_column(String(255))
    filled: Mapped[dict[str, str]] = mapped_column(JSONB)


def keep_templates(session: Session, channel: str, listed: Sequence[Mapping[str, object]]) -> None:
    """Store what a provider lists now, and forget what it lists no more."""
    names = [each["external_id"] for each in listed]
    session.execute(delete(Template).where(Template.channel == channel, Template.external_id.not_in(names)))
    if not listed:
        return
    statement = insert(Template).values([{"channel": channel, "listed_at": UTC_NOW, **each} for each in listed])
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["channel", "external_id"],
            set_={name: statement.excluded[name] for name in ("name", "language", "body", "blanks", "listed_at")},
        )
    )


def templates_of(session: Session, channel: str) -> list[Template]:
    """Return a channel's templates by name."""
    return list(
        session.scalars(select(Template).where(Template.channel == channel).order_by(Template.name, Template.id))
    )


def listed_at(session: Session, channel: str) -> datetime | None:
    """Return when a channel's templates were last listed, `None` when none ever was."""
    return session.scalar(select(func.max(Template.listed_at)).where(Template.channel == channel))


def template_by_id(session: Session, template_id: int) -> Template | None:
    """Return a template."""
    return session.get(Template, template_id)


def use_template(session: Session, message_id: int, external_id: str, filled: Mapping[str, str]) -> None:
    """Note that a message is this template, filled in like this."""
    session.add(TemplateUse(message_id=message_id, external_id=external_id, filled=dict(filled)))


def template_use(session: Session, message_id: int) -> TemplateUse | None:
    """Return of which template a message is, `None` for one that somebody wrote."""
    return session.get(TemplateUse, message_id)


def used_since(session: Session, ticket_id: int, since: datetime) -> bool:
    """Say whether a template was sent in a ticket since then; one that failed was not."""
    failed = exists().where(
        Delivery.message_id == TemplateUse.message_id,
        Delivery.to_client.is_(True),
        Delivery.status == DeliveryStatus.FAILED,
    )
    used = (
        select(TemplateUse.message_id)
        .join(Message, Message.id == TemplateUse.message_id)
        .where(Message.ticket_id == ticket_id, Message.created_at >= since, ~failed)
    )
    return session.scalar(used.limit(1)) is not None
