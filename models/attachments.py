"""Files of messages; the bytes lie in the attachment store under `storage_key`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ForeignKey, String, exists, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Identified
from models.messages import Message


class StoredAttachment(Identified, Base):
    """One file. `storage_key` is null where the file could not be had: its name is still shown."""

    __tablename__ = "attachments"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    storage_key: Mapped[str | None] = mapped_column(String(255))
    content_id: Mapped[str | None] = mapped_column(String(255))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file as it lies in the store, before its message has a row."""

    name: str
    content_type: str
    size: int
    sha256: str
    storage_key: str | None
    content_id: str | None


def add_attachments(session: Session, message_id: int, files: Sequence[StoredFile]) -> None:
    """Note the files of a message."""
    if files:
        session.execute(
            insert(StoredAttachment),
            [
                {
                    "message_id": message_id,
                    "name": file.name,
                    "content_type": file.content_type,
                    "size": file.size,
                    "sha256": file.sha256,
                    "storage_key": file.storage_key,
                    "content_id": file.content_id,
                }
                for file in files
            ],
        )


def attachments_of(session: Session, message_id: int) -> list[StoredAttachment]:
    """Return the files of a message in their order."""
    return list(
        session.scalars(
            select(StoredAttachment).where(StoredAttachment.message_id == message_id).order_by(StoredAttachment.id)
        )
    )


def has_files(session: Session, message_id: int) -> bool:
    """Say whether a message has a file that is in the store."""
    stored = exists().where(StoredAttachment.message_id == message_id, StoredAttachment.storage_key.is_not(None))
    return bool(session.scalar(select(stored)))


def answer_file(session: Session, attachment_id: int) -> StoredAttachment | None:
    """Return a file of an agent's message; clients' files are not served."""
    return session.scalar(
        select(StoredAttachment)
        .join(Message, Message.id == StoredAttachment.message_id)
        .where(StoredAttachment.id == attachment_id, Message.user_id.is_not(None))
    )
