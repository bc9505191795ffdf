"""Reading Slack's JSON without believing its shape: what is missing or of another type is empty."""

import json
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from channels.errors import Malformed

Json = dict[str, object]

MAX_FIELDS = 200
_TS = re.compile(r"[0-9]{1,11}\.[0-9]{1,9}")
_ID = re.compile(r"[A-Z0-9]{1,32}")


def read_json(body: bytes | str) -> Json:
    """Decode one JSON object; raises `ValueError` for anything else, too deep nesting included."""
    try:
        value = json.loads(body)
    except RecursionError as error:
        raise ValueError("The JSON is nested too deep.") from error
    if not isinstance(value, dict):
        raise ValueError("The JSON is no object.")  # noqa: TRY004 (one error for all that is no object)
    return value


def read_form(body: bytes) -> dict[str, str]:
    """Decode a form of at most 200 fields; raises `ValueError`."""
    return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))


def child(parent: Json, key: str) -> Json:
    """Return an object inside, empty when there is none."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def children(parent: Json, key: str) -> list[Json]:
    """Return the objects of a list inside."""
    value = parent.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(parent: Json, key: str) -> str:
    """Return a string inside, empty when there is none."""
    value = parent.get(key)
    return value if isinstance(value, str) else ""


def ts(parent: Json, key: str = "ts") -> str:
    """Return a message's time mark, which is also its name in a channel, empty when there is none."""
    value = text(parent, key)
    return value if _TS.fullmatch(value) else ""


def known_id(value: str) -> str:
    """Return a Slack id; raises `Malformed` for what cannot be one, so that no `/` joins two ids to a third."""
    if not _ID.fullmatch(value):
        raise Malformed("An id of a workspace, channel or person is missing.")
    return value


def moment(mark: str) -> datetime:
    """Return the time that a time mark says."""
    return datetime.fromtimestamp(float(mark), UTC)
