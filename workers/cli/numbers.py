"""Numbers that people give to commands: of rows, and how many rows to list."""

import click

from models.base import row_id


class RowNumber(click.ParamType[int]):
    """The number of a row; what no row can have is said not to be there, without asking the database."""

    name = "integer"

    def __init__(self, what: str) -> None:
        self._what = what

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or end with a usage error."""
        number = row_id(value)
        if number is None:
            self.fail(f"there is no {self._what} {value}", param, ctx)
        return number


limit = click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1))
