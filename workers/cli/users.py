"""`frontdesk users`: who answers clients."""

import argon2
import click
from sqlalchemy.orm import Session

from channels.base import ExternalId
from models.users import User, accounts_of, deactivate, list_users, unlink_account
from workers.cli.output import as_json, show
from workers.cli.people import user_of
from workers.outbox import AGENTS_CHANNEL
from workers.runtime import Runtime, runtime


@click.group()
def users() -> None:
    """List users, set their passwords, end what they may do. Adding and changing them is `frontdesk apply`'s."""


@users.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """List the users."""
    with runtime().database.session_scope() as session:
        rows = [
            {
                "name": user.name,
                "email": user.email,
                "type": user.type,
                "slack": _slack_ids(session, user),
                "password": bool(user.password_hash),
            }
            for user in list_users(session)
        ]
    show(rows, as_json=as_json, empty="no users yet: name them in desk.toml and run `frontdesk apply desk.toml`")


def _slack_ids(session: Session, user: User) -> str:
    return " ".join(sorted(value for kind, value in accounts_of(session, user) if kind == AGENTS_CHANNEL))


@users.command()
@click.argument("email")
@click.password_option(help="Asked for when not given; never give it where a shell keeps its history.")
def password(email: str, password: str) -> None:
    """Set the password of the user with this EMAIL; stored as an argon2 hash."""
    with runtime().database.session_scope() as session:
        user_of(session, email).password_hash = argon2.PasswordHasher().hash(password)
    click.echo("the password is set")


@users.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def unlink(names: tuple[str, ...]) -> None:
    """Let Slack ids, like T0123ABCD/U0ADA, be nobody's: they act for no user, and can be given to another.

    Take them out of desk.toml first. Somebody whose confirmed address in Slack is a user's is linked to that user again
    when they next act: `frontdesk users deactivate` ends that.
    """
    tools = runtime()
    accounts = dict.fromkeys(_account(tools, name) for name in names)
    with tools.database.session_scope() as session:
        owners = {account.value: _unlink(session, account) for account in accounts}
    for value, email in owners.items():
        click.echo(f"slack {value} is no longer {email}'s")


def _account(tools: Runtime, name: str) -> ExternalId:
    try:
        return tools.channels.channels[AGENTS_CHANNEL].address(name)
    except ValueError as error:
        raise click.ClickException(f"{name}: {error}") from error


def _unlink(session: Session, account: ExternalId) -> str:
    user = unlink_account(session, account)
    if user is None:
        raise click.ClickException(f"slack {account.value} is nobody's: `frontdesk users list` shows whose is whose")
    return user.email


@users.command("deactivate")
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
def deactivate_(emails: tuple[str, ...]) -> None:
    """Let users act nowhere any more: in no department, as no administrator, by no Slack id.

    Take them out of desk.toml first: `frontdesk apply` brings back whom it names. What they did stays theirs.
    """
    with runtime().database.session_scope() as session:
        for email in emails:
            deactivate(session, user_of(session, email))
    click.echo("\n".join(f"user {email} acts nowhere any more" for email in emails))
