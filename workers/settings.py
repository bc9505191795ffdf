"""Settings: the environment, read once, checked, frozen. Channels read their own from the same environment."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values

_SECRET_WORDS = ("SECRET", "TOKEN", "PASSWORD", "KEY")
_PLACEHOLDERS = ("changeme", "change-me", "secret", "password", "example")
_SHORTEST_SECRET = 16


class SettingsError(Exception):
    """A setting is missing or wrong; the sentence says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every process needs to know. Times are seconds unless a `timedelta`; the secrets never show in a repr."""

    database_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    secret_key: bytes = field(repr=False)
    public_url: str
    data_dir: Path
    attachments_url: str
    reply_hold: float
    reopen_window: timedelta
    slack_grouping: timedelta
    sweep_interval: float
    reconcile_interval: float
    digest_at: time | None
    digest_zone: ZoneInfo
    event_lease: timedelta
    acknowledgements_per_hour: int
    scan_command: tuple[str, ...]
    scan_timeout: float
    environment: Mapping[str, str] = field(repr=False)


def read_environment() -> dict[str, str]:
    """Return the environment, filled up from `.env` here; a name without a value is as good as unset.

    What the file says is put into the process's own environment too: libraries (object stores, for one) look there.
    """
    _fill_up(Path(".env"))
    return {name: value for name, value in os.environ.items() if value}


def join_running_desk() -> None:
    """Fill the environment up from what a `frontdesk up` that runs on this machine says of its servers."""
    _fill_up(Path(os.environ.get("FRONTDESK_DIR") or ".frontdesk") / "running.env")


def _fill_up(file: Path) -> None:
    for name, value in dotenv_values(file).items():
        if value and not os.environ.get(name):
            os.environ[name] = value


@cache
def settings() -> Settings:
    """Return this process's settings. Raises `SettingsError`."""
    return from_environment(read_environment())


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Build settings from an environment. Raises `SettingsError` with one sentence."""
    data_dir = Path(environment.get("FRONTDESK_DIR", ".frontdesk")).absolute()
    broker = environment.get("BROKER_URL") or _needed(environment, "REDIS_URL")
    _refuse_open_redis(broker)
    return Settings(
        database_url=_database_url(_needed(environment, "DATABASE_URL")),
        broker_url=broker,
        secret_key=_secret(environment, "SECRET_KEY").encode(),
        public_url=environment.get("PUBLIC_URL", "http://127.0.0.1:8080").rstrip("/"),
        data_dir=data_dir,
        attachments_url=_store_url(environment.get("ATTACHMENTS_URL") or (data_dir / "attachments").as_uri()),
        reply_hold=number(environment, "REPLY_HOLD_SECONDS", 5, most=60),
        reopen_window=timedelta(days=number(environment, "REOPEN_WINDOW_DAYS", 14)),
        slack_grouping=timedelta(seconds=number(environment, "SLACK_GROUPING_SECONDS", 300)),
        sweep_interval=number(environment, "SWEEP_SECONDS", 5, least=0.5),
        reconcile_interval=number(environment, "RECONCILE_SECONDS", 120, least=5),
        digest_at=_time_of_day(environment, "DIGEST_AT", "09:00"),
        digest_zone=_zone(environment, "DIGEST_TIME_ZONE", "UTC"),
        event_lease=timedelta(seconds=number(environment, "EVENT_LEASE_SECONDS", 20, least=1)),
        acknowledgements_per_hour=int(number(environment, "ACKNOWLEDGEMENTS_PER_HOUR", 60)),
        scan_command=_words(environment, "SCAN_COMMAND"),
        scan_timeout=number(environment, "SCAN_TIMEOUT", 30, least=1, most=300),
        environment=dict(environment),
    )


def _time_of_day(environment: Mapping[str, str], name: str, default: str) -> time | None:
    """Return a time like 09:00, `None` for `off`."""
    given = environment.get(name) or default
    if given.lower() == "off":
        return None
    try:
        return time.fromisoformat(given).replace(tzinfo=None)
    except ValueError as error:
        raise SettingsError(f"{name} is a time like 09:00, or off") from error


def _zone(environment: Mapping[str, str], name: str, default: str) -> ZoneInfo:
    try:
        return ZoneInfo(environment.get(name) or default)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"{name} is a time zone like Europe/Berlin") from error


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return a command as the words it would be at a prompt; no shell ever sees it."""
    try:
        return tuple(shlex.split(environment.get(name, "")))
    except ValueError as error:
        raise SettingsError(f"{name} has a quotation mark that is not closed") from error


def chosen(environment: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    """Return a setting that is one of a few words, the first when it is not set. Raises `SettingsError`."""
    word = environment.get(name) or choices[0]
    match = next((each for each in choices if each.lower() == word.lower()), None)
    if match is None:
        raise SettingsError(f"{name} is one of {', '.join(choices)}, not {word}")
    return match


def secret_values(environment: Mapping[str, str]) -> frozenset[str]:
    """Return every value that must never be printed: named like a secret, or the password of a URL."""
    named = {value for name, value in environment.items() if value and any(word in name for word in _SECRET_WORDS)}
    passwords = {password for value in environment.values() for password in _passwords(value)}
    return frozenset(value for value in named | passwords if len(value) > len("short"))


def _passwords(address: str) -> set[str]:
    """Return the password in an address, as written and as meant; the environment also holds what is no address."""
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        return set()
    return {password, unquote(password)}


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(
            f"{name} is not set, and no Frontdesk runs here: start `frontdesk up` (if it runs with --folder, set "
            "FRONTDESK_DIR to that), or set DATABASE_URL, REDIS_URL and SECRET_KEY"
        )
    return value


def _secret(environment: Mapping[str, str], name: str) -> str:
    value = _needed(environment, name)
    if len(value) < _SHORTEST_SECRET or any(word in value.lower() for word in _PLACEHOLDERS):
        raise SettingsError(
            f"{name} is too short or a placeholder: make one with "
            "`python -c 'import secrets; print(secrets.token_urlsafe(32))'`"
        )
    return value


def _database_url(url: str) -> str:
    """Take the common spellings of a PostgreSQL address and name the driver."""
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.startswith("postgres"):
        raise SettingsError("DATABASE_URL is no PostgreSQL address: it begins with postgresql://")
    return f"postgresql+psycopg://{rest}"


def _store_url(url: str) -> str:
    if not url.startswith(("file:///", "s3://")) or url == "s3://":
        raise SettingsError("ATTACHMENTS_URL is file:///path or s3://bucket/prefix")
    return url


def _refuse_open_redis(url: str) -> None:
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if parts.scheme == "redis" and not local and not parts.password:
        raise SettingsError(
            "the Redis of REDIS_URL is on another machine and has no password: set one, or use rediss://"
        )


def number(
    environment: Mapping[str, str], name: str, default: float, *, least: float = 0, most: float = 86_400
) -> float:
    """Return a setting that is a number within bounds. Raises `SettingsError`."""
    try:
        value = float(environment.get(name) or default)
    except ValueError:
        value = -1
    if not least <= value <= most:
        raise SettingsError(f"{name} must be a number from {least:g} to {most:g}")
    return value
