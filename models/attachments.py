"""Files of messages; the bytes lie in the attachment store under `storage_key`, except those of an infected one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, String, delete, exists, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Identified, one_of
from models.messages import Message, MessageSource


class Scan(StrEnum):
    """What a virus scanner says of a file; `UNSCANNED` where there is none, or it gave no verdict."""

    UNSCANNED = "unscanned"
    CLEAN = "clean"
    INFECTED = "infected"


class StoredAttachment(Identified, Base):
    """One file. `storage_key` is null where it could not be had, or is infected: its name is still shown.

    `finding` says what the scanner found in an infected one; `content_id` is what the message itself calls it.
    """

    __tablename__ = "attachments"
    __table_args__ = (one_of("scan", Scan),)

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    storage_key: Mapped[str | None] = mapped_column(String(255))
    content_id: Mapped[str | None] = mapped_column(String(255))
    scan: Mapped[str] = mapped_column(String(50), server_default=Scan.UNSCANNED)
    finding: Mapped[str] = mapped_column(String(255), server_default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file as it lies in the store, before its message has a row."""

    name: str
    content_type: str
    size: int
    sha256: str
    storage_key: str | None
    content_id: str | None
    scan: Scan = Scan.UNSCANNED
    finding: str = ""


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
                    "scan": file.scan,
                    "finding": file.finding,
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


def sendable_files(session: Session, message_id: int) -> list[StoredAttachment]:
    """Return those files of a message that are here, in their order."""
    return [each for each in attachments_of(session, message_id) if each.storage_key]


def keep_attachments(session: Session, message_id: int, content_ids: Collection[str]) -> None:
    """Take away those files of a message that are not among these."""
    gone = StoredAttachment.content_id.not_in(content_ids)
    session.execute(delete(StoredAttachment).where(StoredAttachment.message_id == message_id, gone))


def answer_file(session: Session, attachment_id: int) -> StoredAttachment | None:
    """Return a file of an agent's message; clients' files are not served."""
    return session.scalar(
        select(StoredAttachment)
        .join(Message, Message.id == StoredAttachment.message_id)
        .where(StoredAttachment.id == attachment_id, Message.user_id.is_not(None))
    )


def holds_files_back(session: Session, event_id: int) -> bool:
    """Say whether a message that this event brought has infected files."""
    held = (
        select(StoredAttachment.id)
        .join(MessageSource, MessageSource.message_id == StoredAttachment.message_id)
        .where(MessageSource.inbound_event_id == event_id, StoredAttachment.scan == Scan.INFECTED)
    )
    return session.scalar(held.limit(1)) is not None


def release_attachments(session: Session, message_id: int, files: Sequence[StoredFile]) -> list[StoredFile]:
    """Note of a message's infected files which ones are stored by now, and return those, under their names."""
    stored = {file.sha256: file for file in files if file.storage_key}
    rows = [each for each in attachments_of(session, message_id) if each.scan == Scan.INFECTED]
    released = [(row, stored[row.sha256]) for row in rows if row.sha256 in stored]
    for row, file in released:
        row.storage_key, row.scan, row.finding = file.storage_key, file.scan, ""
    return [replace(file, name=row.name) for row, file in released]
