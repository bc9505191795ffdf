"""The seed's eleven tables, written down by hand from its document: what every database of ours must hold unchanged.

Types, defaults and constraints are in PostgreSQL's own words, casts left out.
"""

from dataclasses import dataclass

NOW = "timezone('utc', now())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    type: str
    null: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedTable:
    columns: dict[str, Column]
    constraints: set[str]


INTEGER = Column(type="integer")
SHORT = Column(type="character varying(50)")
LONG = Column(type="character varying(255)")
TIME = Column(type="timestamp without time zone", default=NOW)


def serial(table: str) -> Column:
    return Column(type="integer", default=f"nextval('{table}_id_seq')")


def junction(left: str, right: str) -> SeedTable:
    return SeedTable(
        columns={f"{left}_id": INTEGER, f"{right}_id": INTEGER},
        constraints={
            f"PRIMARY KEY ({left}_id, {right}_id)",
            f"FOREIGN KEY ({left}_id) REFERENCES {left}s(id)",
            f"FOREIGN KEY ({right}_id) REFERENCES {right}s(id)",
        },
    )


SEED = {
    "users": SeedTable(
        columns={
            "id": serial("users"),
            "name": LONG,
            "email": LONG,
            "password_hash": Column(type="character varying(255)", null=True),
            "type": SHORT,
            "created_at": TIME,
            "updated_at": TIME,
        },
        constraints={"PRIMARY KEY (id)", "UNIQUE (email)", "CHECK type = ANY ARRAY['administrator', 'agent']"},
    ),
    "user_oauth_accounts": SeedTable(
        columns={
            "id": serial("user_oauth_accounts"),
            "user_id": INTEGER,
            "provider": SHORT,
            "provider_user_id": LONG,
            "created_at": TIME,
        },
        constraints={
            "PRIMARY KEY (id)",
            "FOREIGN KEY (user_id) REFERENCES users(id)",
            "UNIQUE (provider, provider_user_id)",
        },
    ),
    "clients": SeedTable(
        columns={
            "id": serial("clients"),
            "name": LONG,
            "data": Column(type="jsonb", null=True),
            "created_at": TIME,
            "updated_at": TIME,
        },
        constraints={"PRIMARY KEY (id)"},
    ),
    "client_external_ids": SeedTable(
        columns={
            "id": serial("client_external_ids"),
            "client_id": INTEGER,
            "type": SHORT,
            "value": LONG,
            "created_at": TIME,
        },
        constraints={
            "PRIMARY KEY (id)",
            "FOREIGN KEY (client_id) REFERENCES clients(id)",
            "UNIQUE (type, value)",
        },
    ),
    "departments": SeedTable(
        columns={
            "id": serial("departments"),
            "name": LONG,
            "description": Column(type="text", null=True),
            "created_at": TIME,
        },
        constraints={"PRIMARY KEY (id)", "UNIQUE (name)"},
    ),
    "tickets": SeedTable(
        columns={
            "id": serial("tickets"),
            "title": LONG,
            "client_id": INTEGER,
            "department_id": Column(type="integer", null=True),
            "status": SHORT,
            "priority": SHORT,
            "custom_fields": Column(type="jsonb", null=True),
            "created_at": TIME,
            "updated_at": TIME,
            "closed_at": Column(type="timestamp without time zone", null=True),
        },
        constraints={
            "PRIMARY KEY (id)",
            "FOREIGN KEY (client_id) REFERENCES clients(id)",
            "FOREIGN KEY (department_id) REFERENCES departments(id)",
            "CHECK status = ANY ARRAY['open', 'waiting_for_user', 'waiting_for_agent', 'closed', 'unresolved']",
        },
    ),
    "messages": SeedTable(
        columns={
            "id": serial("messages"),
            "ticket_id": INTEGER,
            "user_id": Column(type="integer", null=True),
            "client_id": Column(type="integer", null=True),
            "body": Column(type="text"),
            "is_system_message": Column(type="boolean", default="false"),
            "created_at": TIME,
        },
        constraints={
            "PRIMARY KEY (id)",
            "FOREIGN KEY (ticket_id) REFERENCES tickets(id)",
            "FOREIGN KEY (user_id) REFERENCES users(id)",
            "FOREIGN KEY (client_id) REFERENCES clients(id)",
            "CHECK user_id IS NOT NULL OR client_id IS NOT NULL OR is_system_message = true",
        },
    ),
    "tags": SeedTable(
        columns={"id": serial("tags"), "name": Column(type="character varying(100)")},
        constraints={"PRIMARY KEY (id)", "UNIQUE (name)"},
    ),
    "ticket_assignments": junction("ticket", "user"),
    "ticket_tags": junction("ticket", "tag"),
    "user_departments": junction("user", "department"),
}
