"""`frontdesk slack`: setting up the Slack app."""

import json

import click

from channels.slack.manifest import manifest as app_manifest
from workers.settings import read_environment


@click.group()
def slack() -> None:
    """Set up the Slack app."""


@slack.command()
@click.option("--url", help="The public address of the web door; PUBLIC_URL when not given.")
def manifest(url: str | None) -> None:
    """Print the manifest of the Slack app: paste it at "Create an app, from a manifest"."""
    address = url or read_environment().get("PUBLIC_URL", "")
    if not address.startswith("https://"):
        raise click.ClickException("Slack calls https addresses only: give --url https://desk.example.com")
    click.echo(json.dumps(app_manifest(address.rstrip("/")), indent=2))
