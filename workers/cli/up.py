"""`frontdesk up`: everything in one terminal."""

import os
import sys
from importlib import resources
from pathlib import Path

import click

from workers.local.desk import LocalDesk, Ports, RunningDesk
from workers.local.supervisor import Supervisor


@click.command()
@click.option(
    "--desk",
    "desk_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("desk.toml"),
    show_default=True,
    help="Departments, users and tags.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".frontdesk"),
    show_default=True,
    help="Where data is kept.",
)
@click.option("--web-port", default=8080, show_default=True)
@click.option("--smtp-port", default=2525, show_default=True)
@click.option("--flower-port", default=5555, show_default=True)
@click.option("--sandbox-port", default=8099, show_default=True)
def up(desk_file: Path, folder: Path, web_port: int, smtp_port: int, flower_port: int, sandbox_port: int) -> None:
    """Run everything on this machine until Ctrl-C.

    PostgreSQL and Redis of its own unless DATABASE_URL and REDIS_URL name yours; the sandbox stands in for Slack,
    Twilio and the mail relay as long as no credentials are set.
    """
    desk = LocalDesk(
        folder=folder.absolute(),
        environment=dict(os.environ),
        ports=Ports(web=web_port, smtp=smtp_port, flower=flower_port, sandbox=sandbox_port),
        say=click.echo,
    )
    with desk.running(desk_to_apply(desk_file)) as (supervisor, running):
        _explain(supervisor, running)
        code = supervisor.run()
    sys.exit(code)


def desk_to_apply(wish: Path) -> Path:
    """Return the desk file, or the sandbox's own where there is none yet."""
    if wish.exists():
        return wish
    click.echo(f"there is no {wish} yet: using the example desk")
    return Path(str(resources.files("sandbox") / "desk.toml"))


def _explain(supervisor: Supervisor, running: RunningDesk) -> None:
    ports = running.desk.ports
    if running.sandboxed:
        supervisor.say(f"no credentials for {', '.join(running.sandboxed)}: the sandbox stands in")
        supervisor.say(f"be client and agent yourself at http://127.0.0.1:{ports.sandbox}/")
    supervisor.say(
        f"mail is taken at 127.0.0.1:{ports.smtp}, webhooks at {running.environment['PUBLIC_URL']}/webhooks/"
    )
    supervisor.say(
        f"Flower: http://127.0.0.1:{ports.flower}/ as user frontdesk, "
        f"password in {running.desk.folder / 'secrets.env'} (FLOWER_PASSWORD)"
    )
