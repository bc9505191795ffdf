"""What PostgreSQL's own catalog says of a database, in the words of `seed_tables`."""

import re

from sqlalchemy import Connection, text

from tests.models.seed_tables import Column, SeedTable

_CAST = re.compile(r"::[a-z]+(?: [a-z]+)*(?:\[\])?")


def tables(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))


def described(connection: Connection, name: str) -> SeedTable:
    return SeedTable(columns=columns(connection, name), constraints=constraints(connection, name))


def columns(connection: Connection, name: str) -> dict[str, Column]:
    rows = connection.execute(
        text(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull,"
            " pg_get_expr(d.adbin, d.adrelid) AS default"
            " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
            " WHERE a.attrelid = CAST(:name AS regclass) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        ),
        {"name": name},
    )
    return {
        row.attname: Column(type=row.type, null=not row.attnotnull, default=_CAST.sub("", row.default or "") or None)
        for row in rows
    }


def constraints(connection: Connection, name: str) -> set[str]:
    """Return keys and checks; what is not null stands with the columns."""
    definitions = connection.scalars(
        text(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = CAST(:name AS regclass) AND contype IN ('p', 'u', 'f', 'c', 'x')"
        ),
        {"name": name},
    )
    return {_plain(each) for each in definitions}


def _plain(definition: str) -> str:
    without_casts = _CAST.sub("", definition)
    return re.sub("[()]", "", without_casts) if definition.startswith("CHECK") else without_casts


def hidden_rules(connection: Connection, name: str) -> list[str]:
    """Return what could refuse or change a row besides columns and constraints: unique indexes, triggers, rules."""
    return list(
        connection.scalars(
            text(
                "SELECT indexrelid::regclass::text FROM pg_index"
                " WHERE indrelid = CAST(:name AS regclass) AND indisunique"
                "   AND indexrelid NOT IN (SELECT conindid FROM pg_constraint WHERE contype IN ('p', 'u'))"
                " UNION ALL SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:name AS regclass) AND NOT tgisinternal"
                " UNION ALL SELECT rulename FROM pg_rewrite WHERE ev_class = CAST(:name AS regclass)"
            ),
            {"name": name},
        )
    )


def owned_sequence(connection: Connection, name: str) -> str | None:
    """Return the sequence that goes with a table's `id`: what makes an integer a SERIAL."""
    sequence: str | None = connection.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": name})
    return sequence
