"""Import every table, so that `Base.metadata` is whole."""

from models import (
    assignments,
    attachments,
    blocks,
    clients,
    corrections,
    deliveries,
    departments,
    inbound_events,
    mailboxes,
    merges,
    messages,
    notes,
    offers,
    reconciliations,
    resemblances,
    suppressions,
    tags,
    templates,
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
    "corrections",
    "deliveries",
    "departments",
    "inbound_events",
    "mailboxes",
    "merges",
    "messages",
    "metadata",
    "notes",
    "offers",
    "reconciliations",
    "resemblances",
    "suppressions",
    "tags",
    "templates",
    "tickets",
    "users",
    "windows",
]

metadata = Base.metadata
