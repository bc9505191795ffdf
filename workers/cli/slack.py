"""`frontdesk slack`: setting up the Slack app."""

import json
import re

import click

from channels.slack.manifest import manifest as app_manifest
from workers.settings import read_environment

# A host and perhaps a path; what Slack calls is added to it.
_ADDRESS = re.compile(r"https://[^\s/?#@:]+(:[0-9]+)?(/[^\s?#]*)?", re.IGNORECASE)


@click.group()
def slack() -> None:
    """Set up the Slack app."""


@slack.command()
@click.option("--url", help="The public address of the web door; PUBLIC_URL when not given.")
@click.option("--socket", is_flag=True, help="For Socket Mode: no public address, but an app-level token.")
def manifest(url: str | None, *, socket: bool) -> None:
    """Print the manifest of the Slack app: paste it at "Create an app, from a manifest"."""
    if socket:
        click.echo(json.dumps(app_manifest(None), indent=2))
        return
    address = url or read_environment().get("PUBLIC_URL", "")
    if not _ADDRESS.fullmatch(address):
        raise click.ClickException("Slack calls plain https addresses only: give --url https://desk.example.com")
    click.echo(json.dumps(app_manifest(address.rstrip("/")), indent=2))
