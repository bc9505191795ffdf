"""What agents are told of a message's files, and how one that was held back comes to them after all."""

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from channels.base import clean_line
from models.attachments import Scan, StoredAttachment, StoredFile, release_attachments
from models.messages import Message
from models.tickets import Ticket
from workers.outbox import Outbox

# A message's remarks stand in the post of its text, which may be nearly as long as Slack allows.
_MOST_REMARKS = 10
_LONGEST_NAME = 100
_LONGEST_LIST = 300


def remarks(files: Sequence[StoredAttachment]) -> str:
    """Return a line for each file that is not shown, and one that names those which nobody scanned."""
    found = list(_remarks(files))
    more = [f"{len(found) - _MOST_REMARKS} more files are not shown"] if len(found) > _MOST_REMARKS else []
    return "".join(f"\n[{each}]" for each in (*found[:_MOST_REMARKS], *more, *_unscanned(files)))


def _remarks(files: Sequence[StoredAttachment]) -> Iterator[str]:
    for file in files:
        name = clean_line(file.name, _LONGEST_NAME)
        if file.scan == Scan.INFECTED:
            yield f"the file {name} is held back: the virus scanner found {file.finding}"
        elif not file.storage_key:
            yield f"the file {name} could not be fetched"


def _unscanned(files: Sequence[StoredAttachment]) -> Iterator[str]:
    names = [file.name for file in files if file.storage_key and file.scan == Scan.UNSCANNED]
    if names:
        yield f"not scanned for viruses: {clean_line(', '.join(names), _LONGEST_LIST)}"


def why_not_sent(files: Sequence[StoredFile]) -> str:
    """Say why an answer with these files cannot go out; empty when it can."""
    infected = [
        f"the virus scanner found {file.finding} in {file.name}" for file in files if file.scan is Scan.INFECTED
    ]
    missing = [file.name for file in files if not file.storage_key and file.scan is not Scan.INFECTED]
    unfetched = [f"{', '.join(missing)} could not be fetched. Please send it again"] if missing else []
    return "; ".join((*infected, *unfetched))


def with_mark(file: StoredAttachment) -> str:
    """Return a file's name with what the scanner said, for a list in a terminal; a clean one has no mark."""
    if file.scan == Scan.INFECTED:
        return f"{file.name} (held back: {file.finding})"
    return f"{file.name} (unscanned)" if file.storage_key and file.scan == Scan.UNSCANNED else file.name


def release(session: Session, outbox: Outbox, message_id: int, files: Sequence[StoredFile]) -> None:
    """Bring what was held back of a message into the thread, where its scan has now another result."""
    released = release_attachments(session, message_id, files)
    if released:
        ticket = session.get_one(Ticket, session.get_one(Message, message_id).ticket_id)
        names = clean_line(", ".join(file.name for file in released), _LONGEST_LIST)
        outbox.bring(session, ticket, f"Held back before, here now: {names}", released)
