"""`frontdesk twilio`: setting Twilio up so that it calls this desk, and looking whether it does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from channels.base import ExternalId
from channels.twilio import NAMES, account_of
from channels.twilio.endpoints import Endpoint, Setting, SetupError
from models.departments import addresses_of_types
from workers.cli.output import as_json, show, told
from workers.runtime import Runtime, runtime
from workers.settings import SettingsError

if TYPE_CHECKING:
    from channels.twilio.setup import Setup

_HERE = {"127.0.0.1", "localhost", "::1", "0.0.0.0"}  # noqa: S104 (addresses that are refused, none that is listened on)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A department's address, and the channel that it is an address of."""

    department: str
    channel: str
    address: ExternalId


@click.group()
def twilio() -> None:
    """Set up Twilio for the numbers of the desk."""


@twilio.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be changed.")
def configure(*, dry_run: bool) -> None:
    """Let Twilio call this desk for every number, Messaging Service and WhatsApp sender of desk.toml, at PUBLIC_URL.

    Says each setting as it was and as it is then. Running it twice changes nothing. Ends with 1 when something is left
    that only a person can do.
    """
    tools = runtime()
    changed, left = 0, 0
    with _sentences():
        setup = _setup(tools)
        for place in told(_places(tools), "addresses"):
            endpoint = setup.look(place.channel, place.address)
            if not dry_run:
                setup.change(endpoint)
            changed, left = changed + _say(endpoint), left + bool(endpoint.trouble)
    what = "would be changed" if dry_run else "changed"
    click.echo(f"{changed} {what}" if changed else "nothing to change")
    sys.exit(1 if left else 0)


def _say(endpoint: Endpoint) -> int:
    """Say what differs at an address, and return how many settings that is."""
    for each in endpoint.changes:
        click.echo(f"{endpoint.address}: {_difference(each)}")
    if endpoint.trouble:
        click.echo(f"{endpoint.address} {endpoint.trouble}", err=True)
    return len(endpoint.changes)


def _difference(setting: Setting) -> str:
    return f"{setting.name} {_shown(setting.now)} → {_shown(setting.wanted)}"


def _shown(value: str) -> str:
    """Return a setting without what may be a secret in an address of somebody else's."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        return value or "nothing"
    rest, mark, fragment = rest.partition("#")
    place, query, _ = rest.partition("?")
    host, _, path = place.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}/{path}{query and '?…'}{mark}{fragment}"


@twilio.command()
@as_json
def status(*, as_json: bool) -> None:
    """Show where Twilio calls for each number, what differs, and when the last message went each way.

    Ends with 1 when something differs.
    """
    tools = runtime()
    with _sentences():
        setup = _setup(tools)
        rows = [_row(setup, each) for each in told(_places(tools), "addresses")]
    shown = rows if as_json else [{name: value for name, value in row.items() if name != "differs"} for row in rows]
    show(shown, as_json=as_json, empty="no department has a number: write them to desk.toml, and apply it")
    if not as_json:
        click.echo("".join(f"{row['address']} {each}\n" for row in rows for each in row["differs"]), nl=False)
    sys.exit(1 if any(row["differs"] for row in rows) else 0)


def _row(setup: "Setup", place: _Place) -> dict[str, Any]:
    endpoint = setup.look(place.channel, place.address)
    came, went = setup.last(endpoint)
    differs = [_difference(each) for each in endpoint.changes] + ([endpoint.trouble] if endpoint.trouble else [])
    return {
        "address": endpoint.address,
        "department": place.department,
        "kind": str(endpoint.kind),
        "calls": _shown(endpoint.settings[0].now) if endpoint.settings else "",
        "state": "differs" if differs else "right",
        "last_in": came,
        "last_out": went,
        "differs": differs,
    }


def _places(tools: Runtime) -> list[_Place]:
    channels = {tools.channel(name).address_type: name for name in NAMES}
    with tools.database.session_scope() as session:
        found = addresses_of_types(session, tuple(channels))
    return [_Place(department=name, channel=channels[each.type], address=each) for name, each in found]


def _setup(tools: Runtime) -> "Setup":
    from channels.twilio.setup import Setup  # noqa: PLC0415 (17 MB that no other command need hold)

    environment = tools.settings.environment
    account = account_of(environment)
    if not account.sid or not account.token:
        raise SettingsError(
            "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set: Twilio's console shows both, Account Info"
        )
    return Setup(account, _public_url(environment.get("PUBLIC_URL", ""), real="TWILIO_API_URL" not in environment))


def _public_url(url: str, *, real: bool) -> str:
    """Return the address that Twilio is to call; one of this machine is good for a stand-in only."""
    if _callable(url, real=real):
        return url
    raise SettingsError(
        f"Twilio cannot call {url or 'a desk without an address'}: set PUBLIC_URL to the web door's public address, "
        "like https://desk.example.com"
    )


def _callable(url: str, *, real: bool) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not (real and parts.hostname in _HERE)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except SetupError as error:
        raise click.ClickException(str(error)) from None
