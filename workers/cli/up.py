"""`frontdesk up`: everything in one terminal."""

import os
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import click

from workers.cli.ports import PORT
from workers.local.desk import LocalDesk, Ports, RunningDesk
from workers.local.errors import LocalError
from workers.local.processes import answers
from workers.local.supervisor import Supervisor


@click.command()
@click.option(
    "--desk",
    "desk_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Departments, users and tags: desk.toml when there is one, else an example that fits the sandbox.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".frontdesk"),
    show_default=True,
    envvar="FRONTDESK_DIR",
    help="Where data is kept.",
)
@click.option("--web-port", "web", type=PORT, default=8080, show_default=True, envvar="WEB_PORT", help="Of webhooks.")
@click.option(
    "--smtp-port", "smtp", type=PORT, default=2525, show_default=True, envvar="SMTP_PORT", help="Of incoming mail."
)
@click.option(
    "--flower-port", "flower", type=PORT, default=5555, show_default=True, envvar="FLOWER_PORT", help="Of Flower."
)
@click.option("--sandbox-port", "sandbox", type=PORT, default=8099, show_default=True, help="Of the sandbox's page.")
@click.option(
    "--sandbox-smtp-port", "sandbox_smtp", type=PORT, default=8026, show_default=True, help="Of the sandbox's mailbox."
)
def up(desk_file: Path | None, folder: Path, **ports: int) -> None:
    """Run everything on this machine until Ctrl-C.

    PostgreSQL and Redis of its own unless DATABASE_URL and REDIS_URL name yours; the sandbox stands in for Slack,
    Twilio and the mail relay, each as long as it has no credentials.
    """
    _refuse_taken(ports)
    desk = LocalDesk(
        folder=folder.absolute(),
        environment={name: value for name, value in os.environ.items() if name != "FRONTDESK_DIR"},  # --folder says it
        ports=Ports(**ports),
        say=click.echo,
    )
    with desk.running(desk_to_apply(desk_file)) as (supervisor, running):
        _explain(supervisor, running)
        code = supervisor.run()
    sys.exit(code)


def _refuse_taken(ports: Mapping[str, int]) -> None:
    """Say which port is taken before anything is started."""
    for name, port in ports.items():
        option = f"--{name.replace('_', '-')}-port"
        if list(ports.values()).count(port) > 1:
            raise LocalError(f"port {port} is given twice: choose another with {option}")
        if answers(f"tcp://127.0.0.1:{port}"):
            raise LocalError(f"port {port} is taken: choose another, as in `frontdesk up {option} {port + 1}`")


def desk_to_apply(wish: Path | None) -> Path:
    """Return the desk file that was asked for, desk.toml, or the sandbox's own where there is none yet."""
    chosen = wish or Path("desk.toml")
    if chosen.exists():
        return chosen
    if wish is not None:
        raise LocalError(f"there is no {wish}")
    click.echo("there is no desk.toml yet: using the example desk")
    return Path(str(resources.files("sandbox") / "desk.toml"))


def _explain(supervisor: Supervisor, running: RunningDesk) -> None:
    ports = running.desk.ports
    if running.sandboxed:
        supervisor.say(f"no credentials for {', '.join(running.sandboxed)}: the sandbox stands in")
        supervisor.say(f"be client and agent yourself at http://127.0.0.1:{ports.sandbox}/")
    supervisor.say(
        f"mail is taken at 127.0.0.1:{ports.smtp}, webhooks at {running.environment['PUBLIC_URL']}/webhooks/"
    )
    supervisor.say(f"Flower: http://127.0.0.1:{ports.flower}/ as {running.flower_login}")
