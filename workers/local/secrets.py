"""Passwords and credentials that a local run makes up once and keeps."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

SECRETS = "secrets.env"


def local_secrets(folder: Path) -> Mapping[str, str]:
    """Return the settings a local run needs and nobody should have to invent, kept in `folder`.

    Made at the first call. A name that a later version adds is added to the file; a value in it is never changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SECRETS
    known = {name: value for name, value in dotenv_values(path).items() if value}
    settings = _invented() | known
    if settings != known:
        write_private(path, "".join(f"{name}={value}\n" for name, value in settings.items()))
    return settings


def _invented() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_hex(32),
        "FLOWER_PASSWORD": secrets.token_hex(12),
        "SLACK_BOT_TOKEN": f"xoxb-sandbox-{secrets.token_hex(16)}",
        "SLACK_SIGNING_SECRET": secrets.token_hex(16),
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
    }


def kept_password(path: Path) -> str:
    """Return the password in this file; the first call makes one up."""
    if not path.exists():
        write_private(path, secrets.token_hex(24))
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
