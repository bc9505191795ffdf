"""Who acts at the command line, and what they are refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from models.users import User, user_by_email
from workers.desk.merging import MergeRefusedError


def user_of(session: Session, email: str) -> User:
    """Return the user of this address. Raises `ClickException` when there is none."""
    user = user_by_email(session, email)
    if user is None:
        raise click.ClickException(f"there is no user {email}: `frontdesk users list` shows them")
    return user


@contextmanager
def refusals() -> Iterator[None]:
    """Say a refusal as commands say errors; the transaction around it is rolled back."""
    try:
        yield
    except MergeRefusedError as error:
        raise click.ClickException(str(error)) from error
