"""The command line: `frontdesk --help`."""

import sys
from importlib import import_module

import click
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError

from workers.local.errors import LocalError
from workers.logs import configure_logs
from workers.settings import SettingsError, join_running_desk, read_environment

_GROUPS = {
    "Try it": ("demo", "up"),
    "Set up": ("migrate", "apply", "users", "slack", "twilio"),
    "Run": ("web", "smtp", "imap", "slack-socket", "worker", "beat", "flower"),
    "Work": ("tickets", "clients", "events", "deliveries", "mailboxes", "parse"),
}
_PROCESSES = ("migrate", "web", "smtp", "imap", "slack-socket", "worker", "beat", "flower")


class _Grouped(click.Group):
    """Lists the commands by what one wants to do, and loads each when it is asked for.

    A worker that imported every command would hold the web server, the demo and the migrations for nothing: 40 MB.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click names it)
        """Return every command's name."""
        return [name for names in _GROUPS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"workers.cli.{'processes' if cmd_name in _PROCESSES else cmd_name}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings."""
        for heading, names in _GROUPS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(heading):
                formatter.write_dl([(name, each.get_short_help_str(90)) for name, each in commands if each])


@click.group(cls=_Grouped, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="frontdesk")
@click.pass_context
def cli(context: click.Context) -> None:
    """Frontdesk: mail, SMS, WhatsApp and Slack in, answered from Slack.

    Settings come from the environment and from a file .env in this folder. Without DATABASE_URL and REDIS_URL,
    `frontdesk up` runs its own PostgreSQL and Redis here, and the other commands find them.
    """
    read_environment()
    if context.invoked_subcommand not in _GROUPS["Try it"]:
        join_running_desk()
    configure_logs(read_environment())


def main() -> None:
    """Run the command line; errors that a person can mend are one sentence and exit code 2."""
    try:
        cli()
    except (SettingsError, LocalError) as error:
        _end(str(error))
    except (OperationalError, ProgrammingError, DataError, IntegrityError) as error:
        # It is away, not migrated, was asked nonsense, or somebody else was quicker.
        _end(f"the database says: {str(error.orig).partition(chr(10))[0]}")


def _end(sentence: str) -> None:
    click.echo(f"frontdesk: {sentence}", err=True)
    sys.exit(2)
