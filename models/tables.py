"""Import every table, so that `Base.metadata` is whole."""

from models import (
    assignments,
    attachments,
    blocks,
    clients,
    deliveries,
    departments,
    digests,
    inbound_events,
    mailboxes,
    merges,
    messages,
    notes,
    reconciliations,
    suppressions,
    tags,
    templates,
    throttles,
    ticket_addresses,
    tickets,
    users,
    windows,
)
from models.base import Base

__all__ = [
    "assignments",
    "attachments",
    "blocks",
    "clients",
    "deliveries",
    "departments",
    "digests",
    "inbound_events",
    "mailboxes",
    "merges",
    "messages",
    "metadata",
    "notes",
    "reconciliations",
    "suppressions",
    "tags",
    "templates",
    "throttles",
    "ticket_addresses",
    "tickets",
    "users",
    "windows",
]

metadata = Base.metadata
