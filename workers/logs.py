"""Logs: a fixed event name and keys, one line each, without personal data and without secrets."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from workers.settings import chosen, secret_values

# Libraries that log what passes through them: addresses, commands, URLs with numbers in them.
_TALKATIVE = ("alembic", "aiosmtpd", "imapclient", "mail.log", "slack_sdk", "twilio", "urllib3", "uvicorn.access")


class Redactor:
    """Replaces the values of secrets wherever they stand in a line, and keeps an event on one line."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self._secrets = sorted(secrets, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return `text` without secrets and without control characters."""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)

    def __call__(self, _logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Clean every value of an event, whatever stands for it in the line: structlog's processor."""
        plain = int | float | None
        return {key: value if isinstance(value, plain) else self.clean(str(value)) for key, value in event.items()}


class _OneLine(logging.Formatter):
    """Formats what libraries log in the same one-line form."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%H:%M:%S")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.clean(super().format(record))


def configure_logs(environment: Mapping[str, str]) -> None:
    """Send our events and the libraries' to standard error, as LOG_LEVEL and LOG_FORMAT say. Raises `SettingsError`."""
    level = chosen(environment, "LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR"))
    form = chosen(environment, "LOG_FORMAT", ("text", "json"))
    redactor = Redactor(secret_values(environment))
    render: Any = structlog.processors.JSONRenderer() if form == "json" else _render_text
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redactor,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(redactor))
    logging.basicConfig(level=logging.INFO if level == "DEBUG" else level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _render_text(_logger: object, _name: str, event: MutableMapping[str, Any]) -> str:
    time = str(event.pop("timestamp", ""))[11:19]
    level = str(event.pop("level", "info")).upper()
    name = event.pop("event", "")
    return " ".join([time, level, str(name), *(f"{key}={value}" for key, value in event.items())])


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """Return a logger: `log.info("ticket_opened", ticket_id=1)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
