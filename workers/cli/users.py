"""`frontdesk users`: who answers clients."""

import argon2
import click

from models.users import list_users, user_by_email
from workers.cli.output import as_json, show
from workers.runtime import runtime


@click.group()
def users() -> None:
    """List users and set their passwords. Adding and changing them is `frontdesk apply`'s."""


@users.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """List the users."""
    with runtime().database.session_scope() as session:
        rows = [
            {"name": user.name, "email": user.email, "type": user.type, "password": bool(user.password_hash)}
            for user in list_users(session)
        ]
    show(rows, as_json=as_json, empty="no users yet: name them in desk.toml and run `frontdesk apply desk.toml`")


@users.command()
@click.argument("email")
@click.password_option(help="Asked for when not given; never give it where a shell keeps its history.")
def password(email: str, password: str) -> None:
    """Set the password of the user with this EMAIL; stored as an argon2 hash."""
    with runtime().database.session_scope() as session:
        user = user_by_email(session, email)
        if user is None:
            raise click.ClickException(f"there is no user {email}: `frontdesk users list` shows them")
        user.password_hash = argon2.PasswordHasher().hash(password)
    click.echo("the password is set")
