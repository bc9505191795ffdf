"""`frontdesk mailboxes`: how the mailboxes that are fetched from are doing."""

import sys
from datetime import timedelta

import click

from models.base import now
from models.mailboxes import Mailbox, list_mailboxes
from workers.cli.output import as_json, show
from workers.runtime import runtime
from workers.settings import read_environment


@click.command()
@click.option("--check", is_flag=True, help="Exit with 1 when a mailbox of the settings is silent or was never begun.")
@as_json
def mailboxes(*, check: bool, as_json: bool) -> None:
    """List the mailboxes that are fetched from.

    When each was last read, how far, and what is wrong with it.
    """
    from workers.doors.imap import accounts_of, pace_of  # noqa: PLC0415 (each process loads only what is its own)

    environment = read_environment()
    names, pace = [each.name for each in accounts_of(environment)], pace_of(environment)
    with runtime().database.session_scope() as session:
        found = {each.name: each for each in list_mailboxes(session)}
    states = {name: _state(found.get(name), timedelta(seconds=pace.silent)) for name in names}
    rows = [_row(name, state, found.get(name)) for name, state in states.items()]
    show(rows, as_json=as_json, empty="no mailboxes are fetched from: IMAP_MAILBOXES is not set")
    if check and {"silent", "not started"} & set(states.values()):
        sys.exit(1)


def _state(stored: Mailbox | None, longest_silence: timedelta) -> str:
    if stored is None:
        return "not started"
    if now() - (stored.fetched_at or stored.created_at) > longest_silence:
        return "silent"
    return stored.state


def _row(name: str, state: str, stored: Mailbox | None) -> dict[str, object]:
    return {
        "name": name,
        "state": state,
        "last_fetch": stored.fetched_at if stored else None,
        "uidvalidity": stored.uidvalidity if stored else None,
        "last_uid": stored.last_uid if stored else None,
        "error": stored.error if stored else "",
    }
