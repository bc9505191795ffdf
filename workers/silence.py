"""Which mailboxes that should be fetched from have not been read for too long."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from sqlalchemy.orm import Session

from channels.email.imap_account import accounts_from
from models.base import now
from models.mailboxes import list_mailboxes
from workers.settings import number


def longest_silence(environment: Mapping[str, str]) -> timedelta:
    """Return after how long a mailbox counts as silent. Raises `SettingsError`."""
    return timedelta(minutes=number(environment, "IMAP_SILENT_MINUTES", 15, least=1, most=1440))


def silent_mailboxes(session: Session, environment: Mapping[str, str]) -> Iterator[str]:
    """Say of each silent mailbox since when, and what its server said last."""
    stored = {each.name: each for each in list_mailboxes(session)}
    try:
        accounts = accounts_from(environment)
    except ValueError as error:
        yield f"No mailbox is read: {error}"
        return
    for account in accounts:
        box = stored.get(account.name)
        since = (box.fetched_at or box.created_at) if box else None
        if since is None:
            yield f"The mailbox {account.name} has never been read: does `frontdesk imap` run?"
        elif now() - since > longest_silence(environment):
            said = f": {box.error}" if box and box.error else ""
            yield f"The mailbox {account.name} was last read on {since:%d %b %Y, %H:%M} UTC{said}"
