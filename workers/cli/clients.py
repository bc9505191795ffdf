"""`frontdesk clients`: clients who are one person."""

import click

from models.clients import client_by_id
from workers.cli.numbers import RowNumber
from workers.cli.output import as_json, show
from workers.cli.people import refusals, user_of
from workers.desk.duplicates import possible_duplicates
from workers.runtime import runtime


@click.group()
def clients() -> None:
    """Find clients who are one person, merge them, and undo merges."""


@clients.command()
@click.argument("client_id", metavar="CLIENT", type=RowNumber("client"))
@as_json
def duplicates(client_id: int, *, as_json: bool) -> None:
    """List other clients who may be CLIENT. `frontdesk tickets show` says which client a ticket has."""
    with runtime().database.session_scope() as session:
        if client_by_id(session, client_id) is None:
            raise click.ClickException(
                f"there is no client {client_id}: `frontdesk tickets show` says which a ticket has"
            )
        rows = [
            {"id": each.client_id, "name": each.name, "why": str(each.reason)}
            for each in possible_duplicates(session, client_id)
        ]
    show(rows, as_json=as_json, empty="nobody else looks like this client")


@clients.command()
@click.argument("kept_id", metavar="A", type=RowNumber("client"))
@click.argument("merged_id", metavar="B", type=RowNumber("client"))
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user who merges them.")
def merge(kept_id: int, merged_id: int, email: str) -> None:
    """Put client B into client A, with addresses and tickets."""
    tools = runtime()
    with tools.database.session_scope() as session, refusals():
        made = tools.merging.merge_clients(session, kept_id, merged_id, user_of(session, email))
    click.echo(f"merge {made.id}: client {made.merged_id} is part of client {made.kept_id} now")


@clients.command()
@click.argument("merge_id", metavar="MERGE", type=RowNumber("merge"))
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user who undoes it.")
def undo(merge_id: int, email: str) -> None:
    """Undo a merge of clients or of tickets. What came since stays, but for tickets of the parted client alone."""
    tools = runtime()
    with tools.database.session_scope() as session, refusals():
        undone = tools.merging.undo_merge(session, merge_id, user_of(session, email))
    click.echo(f"merge {merge_id} is undone: {undone.kind} {undone.merged_id} stands for itself again")
