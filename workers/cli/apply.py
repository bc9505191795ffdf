"""`frontdesk apply desk.toml`: make the desk what the file says, and say what changed."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from channels import registry
from channels.base import ExternalId
from models import departments, tags, users
from models.departments import AGENTS, Department, ReplyMode
from models.users import User, UserType
from workers.runtime import runtime
from workers.settings import SettingsError

# What a department may list in the file: the channel that reads the address, and the type it is stored under.
_ADDRESSES = {
    "email": ("email", "email"),
    "sms": ("sms", "phone"),
    "whatsapp": ("whatsapp", "whatsapp"),
    "slack": ("slack", "slack"),
    "slack_agents": ("slack", AGENTS),
}
_DEPARTMENT_KEYS = {"name", "description", "reply_mode", "set_aside_automatic", *_ADDRESSES}
_USER_KEYS = {"name", "email", "type", "slack", "departments"}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def apply(file: Path) -> None:
    """Make departments, their addresses, users and tags what FILE says. Running it twice changes nothing.

    What the file no longer names is kept, and said: removing a mailbox or a person is a decision of its own.
    """
    tools = runtime()
    desk = read_desk(file)
    with tools.database.session_scope() as session:
        changes = list(Applier(session=session, channels=tools.channels).apply(desk))
    for change in changes:
        click.echo(change)
    click.echo(f"{len(changes)} changed" if changes else "nothing to change")


def read_desk(file: Path) -> Mapping[str, Any]:
    """Read a desk file. Raises `SettingsError`."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """Compares the file with the database and brings the database up to it."""

    session: Session
    channels: registry.Registry

    def apply(self, desk: Mapping[str, Any]) -> Iterator[str]:
        """Apply a desk and yield a line for every change. Raises `SettingsError` for what cannot be meant."""
        _known(desk, {"departments", "users", "tags"}, "desk")
        for entry in desk.get("departments", []):
            _known(entry, _DEPARTMENT_KEYS, "department")
            yield from self._department(entry)
        for entry in desk.get("users", []):
            _known(entry, _USER_KEYS, "user")
            yield from self._user(entry)
        for name in desk.get("tags", []):
            if tags.ensure_tag(self.session, name):
                yield f"tag {name}: added"

    def _department(self, entry: Mapping[str, Any]) -> Iterator[str]:
        name = _text(entry, "name", "department")
        department = departments.department_by_name(self.session, name)
        if department is None:
            department = Department(name=name, description=entry.get("description"))
            self.session.add(department)
            self.session.flush()
            yield f"department {name}: added"
        elif "description" in entry and department.description != entry["description"]:
            department.description = entry["description"]
            yield f"department {name}: description changed"
        yield from self._settings(department, entry)
        yield from self._addresses(department, entry)

    def _settings(self, department: Department, entry: Mapping[str, Any]) -> Iterator[str]:
        stored = departments.settings_of(self.session, department.id)
        wanted = (
            _member(ReplyMode, entry.get("reply_mode", stored.reply_mode), "reply_mode"),
            bool(entry.get("set_aside_automatic", stored.set_aside_automatic)),
        )
        if wanted != (stored.reply_mode, stored.set_aside_automatic):
            departments.save_settings(self.session, department.id, reply_mode=wanted[0], set_aside_automatic=wanted[1])
            yield f"department {department.name}: settings changed"

    def _addresses(self, department: Department, entry: Mapping[str, Any]) -> Iterator[str]:
        known = departments.addresses_of(self.session, department.id)
        wanted = {self._address(key, text) for key in _ADDRESSES for text in _list(entry, key)}
        for address in sorted(wanted, key=lambda each: (each.type, each.value)):
            if (address.type, address.value) in known:
                continue
            owner = departments.owner_of(self.session, address)
            if owner is not None:
                raise SettingsError(f"{address.value} belongs to the department {owner}, and cannot be two's")
            departments.add_address(self.session, department.id, address)
            yield f"department {department.name}: {address.type} {address.value} added"
        for kind, value in sorted(known - {(each.type, each.value) for each in wanted}):
            yield f"department {department.name}: {kind} {value} is not in the file, kept"

    def _address(self, key: str, text: str) -> ExternalId:
        channel, kind = _ADDRESSES[key]
        try:
            return ExternalId(type=kind, value=self.channels.channels[channel].address(text).value)
        except ValueError as error:
            raise SettingsError(f"{key} = {text!r}: {error}") from error

    def _user(self, entry: Mapping[str, Any]) -> Iterator[str]:
        email = _text(entry, "email", "user").lower()
        kind = _member(UserType, entry.get("type", UserType.AGENT), "type")
        name = _text(entry, "name", "user")
        user = users.user_by_email(self.session, email)
        if user is None:
            user = User(name=name, email=email, type=kind)
            self.session.add(user)
            self.session.flush()
            yield f"user {email}: added"
        elif (user.name, user.type) != (name, kind):
            user.name, user.type = name, kind
            yield f"user {email}: changed"
        yield from self._accounts(user, entry)
        yield from self._memberships(user, entry)

    def _accounts(self, user: User, entry: Mapping[str, Any]) -> Iterator[str]:
        known = users.accounts_of(self.session, user)
        for text in _list(entry, "slack"):
            account = self._address("slack", text)
            if ("slack", account.value) in known:
                continue
            if not users.link_account(self.session, user, account):
                raise SettingsError(f"slack = {text!r} is another user's already")
            yield f"user {user.email}: slack {account.value} added"

    def _memberships(self, user: User, entry: Mapping[str, Any]) -> Iterator[str]:
        wanted = {self._department_id(name) for name in _list(entry, "departments")}
        if "departments" in entry and wanted != users.departments_of(self.session, user):
            users.set_departments(self.session, user, wanted)
            yield f"user {user.email}: departments changed"

    def _department_id(self, name: str) -> int:
        department = departments.department_by_name(self.session, name)
        if department is None:
            raise SettingsError(f"there is no department {name!r}: name it under [[departments]] first")
        return department.id


def _known(entry: Mapping[str, Any], keys: set[str], what: str) -> None:
    strange = sorted(set(entry) - keys)
    if strange:
        raise SettingsError(f"a {what} has no {', '.join(strange)}: it may have {', '.join(sorted(keys))}")


def _text(entry: Mapping[str, Any], key: str, what: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f"every {what} needs a {key}")
    return value.strip()


def _list(entry: Mapping[str, Any], key: str) -> list[str]:
    value = entry.get(key, [])
    return [value] if isinstance(value, str) else [str(each) for each in value]


def _member(members: type[Any], value: object, key: str) -> Any:  # noqa: ANN401 (whichever enum was given)
    try:
        return members(value)
    except ValueError as error:
        raise SettingsError(f"{key} is one of {', '.join(members)}, not {value!r}") from error
