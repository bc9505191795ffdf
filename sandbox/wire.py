"""Small readings of what comes over HTTP, shared by the three stand-ins and the control calls."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]

PLAIN_JSON = re.compile(r"application/json\b", re.IGNORECASE)


class BadRequest(ValueError):
    """A control call that asks for something impossible; its sentence is the answer."""


def form(body: bytes) -> dict[str, str]:
    """Read a form; of a repeated field the last value counts."""
    return dict(pairs(body))


def pairs(body: bytes) -> list[tuple[str, str]]:
    """Read a form with its repeated fields in order."""
    return parse_qsl(body.decode(errors="replace"), keep_blank_values=True)


def json_object(body: bytes) -> Json:
    """Read a JSON object; raises `BadRequest` for anything else."""
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(value, dict):
        raise BadRequest("the body is not a JSON object")
    return value


def is_json(headers: Mapping[str, str]) -> bool:
    """Say whether a request claims to carry JSON."""
    return bool(PLAIN_JSON.match(headers.get("content-type", "")))


def need(given: Json, name: str) -> str:
    """Return a text that must be there; raises `BadRequest`."""
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} is missing")
    return value


def truthy(value: object) -> bool:
    """Read a flag as Slack does, in JSON or in a form."""
    return value is True or str(value).lower() in {"1", "true"}


def decoded(text: str) -> bytes:
    """Read base64 of a control call; raises `BadRequest`."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadRequest("a content is not base64") from error


def encoded(content: bytes) -> str:
    """Write bytes so that JSON can carry them."""
    return base64.b64encode(content).decode()


def now() -> datetime:
    """Return this moment, aware."""
    return datetime.now(UTC)
