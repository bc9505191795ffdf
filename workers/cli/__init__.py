"""The command line: `frontdesk --help`."""

import sys

import click

from workers.cli import deliveries, events, processes, tickets, users
from workers.cli.apply import apply
from workers.cli.demo import demo
from workers.cli.slack import slack
from workers.cli.up import up
from workers.local.errors import LocalError
from workers.logs import configure_logs
from workers.settings import SettingsError, read_environment

_GROUPS = {
    "Try it": ("demo", "up"),
    "Set up": ("migrate", "apply", "users", "slack"),
    "Run": ("web", "smtp", "worker", "beat", "flower"),
    "Work": ("tickets", "events", "deliveries"),
}


class _Grouped(click.Group):
    """Lists the commands by what one wants to do."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings."""
        for heading, names in _GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(90)) for name in names])
        del ctx


@click.group(cls=_Grouped, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="frontdesk")
def cli() -> None:
    """Frontdesk: mail, SMS, WhatsApp and Slack in, answered from Slack.

    Settings come from the environment and from a file .env in this folder. Without DATABASE_URL and REDIS_URL,
    `frontdesk up` runs its own PostgreSQL and Redis here, and the other commands find them.
    """


for command in (
    demo,
    up,
    apply,
    slack,
    processes.migrate,
    processes.web,
    processes.smtp,
    processes.worker,
    processes.beat,
    processes.flower,
    users.users,
    tickets.tickets,
    events.events,
    deliveries.deliveries,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; errors that a person can mend are one sentence and exit code 2."""
    environment = read_environment()
    configure_logs(
        environment, level=environment.get("LOG_LEVEL", "INFO").upper(), form=environment.get("LOG_FORMAT", "text")
    )
    try:
        cli()
    except (SettingsError, LocalError) as error:
        click.echo(f"frontdesk: {error}", err=True)
        sys.exit(2)
