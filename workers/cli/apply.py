"""`frontdesk apply desk.toml`: make the desk what the file says, and say what changed."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from channels import registry
from channels.base import ExternalId, clean_text
from models import departments, tags, users
from models.departments import AGENTS, Department, Habits, ReplyMode
from models.users import User, UserType
from workers.outbox import AGENTS_CHANNEL
from workers.runtime import runtime
from workers.settings import SettingsError

# What a department may list in the file: addresses of every channel, and where its agents work.
_ADDRESS_KEYS = (*registry.NAMES, AGENTS)
_Enum = TypeVar("_Enum", bound=StrEnum)

_HABITS = {each.name for each in fields(Habits)}
_DEPARTMENT_KEYS = {"name", "description", *_HABITS, *_ADDRESS_KEYS}
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
    changed = sum("is not in the file, kept" not in each for each in changes)
    click.echo(f"{changed} changed" if changed else "nothing to change")


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
        for entry in _tables(desk, "departments"):
            _known(entry, _DEPARTMENT_KEYS, "department")
            yield from self._department(entry)
        for entry in _tables(desk, "users"):
            _known(entry, _USER_KEYS, "user")
            yield from self._user(entry)
        if "users" in desk:
            yield from self._left_out({_text(entry, "email", "user").lower() for entry in _tables(desk, "users")})
        for name in _list(desk, "tags"):
            if tags.ensure_tag(self.session, _storable(name, "tag", limit=100)):
                yield f"tag {name}: added"

    def _department(self, entry: Mapping[str, Any]) -> Iterator[str]:
        name = _text(entry, "name", "department")
        description = _text(entry, "description", "department", limit=10_000) if "description" in entry else None
        department = departments.department_by_name(self.session, name)
        if department is None:
            department = Department(name=name, description=description)
            self.session.add(department)
            self.session.flush()
            yield f"department {name}: added"
        elif description is not None and department.description != description:
            department.description = description
            yield f"department {name}: description changed"
        yield from self._settings(department, entry)
        yield from self._addresses(department, entry)

    def _settings(self, department: Department, entry: Mapping[str, Any]) -> Iterator[str]:
        stored = departments.settings_of(self.session, department.id)
        wanted = _habits(entry, stored)
        if wanted != stored:
            departments.save_settings(self.session, department.id, wanted)
            yield f"department {department.name}: settings changed"

    def _addresses(self, department: Department, entry: Mapping[str, Any]) -> Iterator[str]:
        known = departments.addresses_of(self.session, department.id)
        wanted = {self._address(key, text) for key in _ADDRESS_KEYS for text in _list(entry, key)}
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
        channel = self.channels.channels[AGENTS_CHANNEL if key == AGENTS else key]
        try:
            address = channel.address(text)
        except ValueError as error:
            raise SettingsError(f"{key} = {text!r}: {error}") from error
        if key == AGENTS and address.value.rpartition("/")[2][:1] not in {"C", "G"}:
            raise SettingsError(f"{key} = {text!r}: agents work in a channel, like T0123ABCD/C0123ABCD")
        return ExternalId(type=AGENTS, value=address.value) if key == AGENTS else address

    def _user(self, entry: Mapping[str, Any]) -> Iterator[str]:
        email = _text(entry, "email", "user").lower()
        self._address("email", email)
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
        wanted = {self._address("slack", text).value for text in _list(entry, "slack")}
        for value in sorted(wanted - {each for _, each in known}):
            account = ExternalId(type="slack", value=value)
            if not users.link_account(self.session, user, account):
                raise SettingsError(
                    f"slack {value} is the account of {self._owner(account)} already: "
                    f"`frontdesk users unlink {value}` frees it, or begin with empty data (`--folder NAME`)"
                )
            yield f"user {user.email}: slack {value} added"
        for kind, value in sorted(known):
            if value not in wanted:
                yield f"user {user.email}: {kind} {value} is not in the file, kept: `frontdesk users unlink {value}`"

    def _owner(self, account: ExternalId) -> str:
        owner = users.user_by_account(self.session, account)
        return owner.email if owner else "another user"

    def _memberships(self, user: User, entry: Mapping[str, Any]) -> Iterator[str]:
        wanted = {self._department_id(name) for name in _list(entry, "departments")}
        if "departments" in entry and wanted != users.departments_of(self.session, user):
            users.set_departments(self.session, user, wanted)
            yield f"user {user.email}: departments changed"

    def _left_out(self, named: Collection[str]) -> Iterator[str]:
        for user in users.active_users(self.session):
            if user.email not in named:
                yield f"user {user.email} is not in the file, kept: `frontdesk users deactivate {user.email}`"

    def _department_id(self, name: str) -> int:
        department = departments.department_by_name(self.session, name)
        if department is None:
            raise SettingsError(f"there is no department {name!r}: name it under [[departments]] first")
        return department.id


def _habits(entry: Mapping[str, Any], stored: Habits) -> Habits:
    """Return how a department is to work; what the file does not say stays as it is."""
    return Habits(
        reply_mode=_member(ReplyMode, entry.get("reply_mode", stored.reply_mode), "reply_mode"),
        set_aside_automatic=_switch(entry, "set_aside_automatic", default=stored.set_aside_automatic),
        from_name=_words(entry, "from_name", default=stored.from_name, limit=100),
        signature=_words(entry, "signature", default=stored.signature, limit=2_000),
        acknowledge=_switch(entry, "acknowledge", default=stored.acknowledge),
        acknowledgement=_words(entry, "acknowledgement", default=stored.acknowledgement, limit=10_000),
        assign_first_answer=_switch(entry, "assign_first_answer", default=stored.assign_first_answer),
        digest=_switch(entry, "digest", default=stored.digest),
    )


def _known(entry: Mapping[str, Any], keys: set[str], what: str) -> None:
    strange = sorted(set(entry) - keys)
    if strange:
        raise SettingsError(f"a {what} has no {', '.join(strange)}: it may have {', '.join(sorted(keys))}")


def _tables(desk: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    tables = desk.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise SettingsError(f"{key} are written one by one, each under a line [[{key}]]")
    return tables


def _text(entry: Mapping[str, Any], key: str, what: str, *, limit: int = 255) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f'every {what} needs {key} = "..."')
    return _storable(value.strip(), key, limit=limit)


def _words(entry: Mapping[str, Any], key: str, *, default: str, limit: int) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str):
        raise SettingsError(f"{key} is a text in quotes, not {value!r}")
    if key == "from_name" and "\n" in value:
        raise SettingsError("from_name is one line")
    return _storable(value.strip(), key, limit=limit)


def _storable(text: str, key: str, *, limit: int) -> str:
    if len(text) > limit or clean_text(text) != text:
        raise SettingsError(f"a {key} has at most {limit} characters, and no control characters: {text[:40]!r}")
    return text


def _list(entry: Mapping[str, Any], key: str) -> list[str]:
    value = entry.get(key, [])
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise SettingsError(f"{key} is a text in quotes or a list of them, not {value!r}")
    return texts


def _switch(entry: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = entry.get(key, default)
    if not isinstance(value, bool):
        raise SettingsError(f"{key} is true or false, without quotes, not {value!r}")
    return value


def _member(members: type[_Enum], value: str, key: str) -> _Enum:
    try:
        return members(value)
    except ValueError as error:
        raise SettingsError(f"{key} is one of {', '.join(members)}, not {value!r}") from error
