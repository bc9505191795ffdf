"""One row of any table, with all that it needs to stand on."""

import re
import uuid
from datetime import date

from sqlalchemy import CheckConstraint, Column, Connection, Date, Integer, LargeBinary, String, Table, insert
from sqlalchemy.dialects.postgresql import JSONB

_ONE_OF = re.compile(r"(\w+) IN \((.*)\)")
# What no column by itself says.
_GIVEN: dict[str, dict[str, object]] = {"messages": {"is_system_message": True}}


def enum_columns(table: Table) -> dict[str, tuple[str, ...]]:
    """Return the columns that a CHECK holds to a list of words, and the words."""
    checks = (str(each.sqltext) for each in table.constraints if isinstance(each, CheckConstraint))
    found = (_ONE_OF.fullmatch(check) for check in checks)
    return {match[1]: tuple(re.findall("'([^']*)'", match[2])) for match in found if match}


def store(connection: Connection, table: Table, **given: object) -> int:
    """Store a row with these values, the rest as plain as the table allows, and return its first key column."""
    wanted = {**_GIVEN.get(table.name, {}), **given}
    values = {column.name: _value(connection, column) for column in table.columns if _needed(column)} | wanted
    return int(connection.execute(insert(table).values(values).returning(*table.primary_key)).one()[0])


def _needed(column: Column[object]) -> bool:
    made = column.server_default is not None or column.identity is not None
    serial = column is column.table._autoincrement_column  # noqa: SLF001 (SQLAlchemy's only word for it)
    return not (column.nullable or made or serial)


def _value(connection: Connection, column: Column[object]) -> object:
    assert isinstance(column.table, Table)
    for key in column.foreign_keys:
        return store(connection, key.column.table)
    words = enum_columns(column.table).get(column.name)
    if words:
        return words[0]
    return _plain(column)


def _plain(column: Column[object]) -> object:
    if isinstance(column.type, String):
        return uuid.uuid4().hex[: column.type.length]
    plain = {LargeBinary: b"", Integer: 0, JSONB: {}, Date: date(2026, 11, 2)}
    return next(value for kind, value in plain.items() if isinstance(column.type, kind))
