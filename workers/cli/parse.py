"""`frontdesk parse`: what the desk makes of something, without a desk."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from channels.email.authentication import trusted_ids
from channels.email.describe import describe
from channels.email.smtp_data import Limits

_LARGEST = Limits().size
_STDIN = "-"


@click.group()
def parse() -> None:
    """Say what the desk makes of a mail, and why; needs no settings and no database."""


@parse.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--pretty", is_flag=True, help="Print for people: one value a line.")
@click.option("--trusted", metavar="ID", help="The mail servers believed about senders. Default: TRUSTED_AUTHSERV_ID.")
def email(files: tuple[str, ...], *, pretty: bool, trusted: str | None) -> None:
    """Print what the desk makes of each mail, as one JSON object a line; FILE may be - for standard input.

    What ends in `_by` names the rule that decided. A file that cannot be read is told on standard error, and the exit
    code is then 1.
    """
    servers = _servers(os.environ.get("TRUSTED_AUTHSERV_ID", "") if trusted is None else trusted)
    unread = 0
    for name in files:
        try:
            payload = _read(name)
        except (OSError, ValueError) as error:
            click.echo(f"frontdesk: {name}: {getattr(error, 'strerror', None) or error}", err=True)
            unread += 1
            continue
        found = {"file": name, **asdict(describe(payload, servers))}
        click.echo(json.dumps(found, ensure_ascii=False, indent=2 if pretty else None))
    sys.exit(1 if unread else 0)


def _servers(setting: str) -> frozenset[str]:
    try:
        return trusted_ids(setting)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _read(name: str) -> bytes:
    """Return a file's bytes. Raises `OSError`, or `ValueError` for what no door would take."""
    if name == _STDIN:
        return _bounded(sys.stdin.buffer)
    with Path(name).open("rb") as file:
        return _bounded(file)


def _bounded(file: BinaryIO) -> bytes:
    payload = file.read(_LARGEST + 1)
    if len(payload) > _LARGEST:
        raise ValueError(f"Larger than the {_LARGEST >> 20} MiB that the mail door takes")
    return payload
