"""The form Twilio posts: bounded, with repeated fields kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

MAX_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Form:
    """Names and values in the order sent; `getall` and iteration are what Twilio's own validator asks of a form."""

    pairs: tuple[tuple[str, str], ...]

    def __iter__(self) -> Iterator[str]:
        """Yield the names, one as often as it came."""
        return (name for name, _ in self.pairs)

    def getall(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value for key, value in self.pairs if key == name]

    def get(self, name: str) -> str:
        """Return the first value of a field, empty when there is none."""
        return next((value for key, value in self.pairs if key == name), "")


def read_form(body: bytes) -> Form:
    """Decode a form; raises `ValueError` when it has over 200 fields or is no UTF-8."""
    pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    return Form(tuple(pairs))
