"""Tables for people, JSON for programs."""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.base import now

T = TypeVar("T")

# Seconds of silence after which people want to know that something is still being done.
_PATIENCE = 2.0

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, empty: str) -> None:
    """Print rows as a table, or as JSON lines; `empty` is what people read when there are none."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, default=_plain, ensure_ascii=False))
    elif rows:
        Console(highlight=False).print(_table(rows))
    else:
        click.echo(empty)


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "))
    for row in rows:
        # Text, not markup: what clients wrote must not colour or link the operator's terminal.
        table.add_row(*(Text(_readable(value)) for value in row.values()))
    return table


def _readable(value: object) -> str:
    if isinstance(value, datetime):
        return age(value)
    return "" if value is None else str(value)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def age(then: datetime) -> str:
    """Return how long ago something was, in the largest whole unit."""
    seconds = max(0, int((now() - then).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def told(items: Sequence[T], what: str) -> Iterator[T]:
    """Yield the items of slow work, and say on standard error every two seconds how far it is."""
    last = time.monotonic()
    for number, item in enumerate(items):
        if time.monotonic() - last > _PATIENCE:
            click.echo(f"{number} of {len(items)} {what} …", err=True)
            last = time.monotonic()
        yield item
