"""Import every table, so that `Base.metadata` is whole."""

from models import (
    attachments,
    blocks,
    clients,
    deliveries,
    departments,
    inbound_events,
    mailboxes,
    messages,
    notes,
    reconciliations,
    suppressions,
    tags,
    tickets,
    users,
)
from models.base import Base

__all__ = [
    "attachments",
    "blocks",
    "clients",
    "deliveries",
    "departments",
    "inbound_events",
    "mailboxes",
    "messages",
    "metadata",
    "notes",
    "reconciliations",
    "suppressions",
    "tags",
    "tickets",
    "users",
]

metadata = Base.metadata
