"""`frontdesk demo`: the real processes with the sandbox as the other side, and a support day played on them."""

import os
import shutil
import sys
import time
from importlib import resources
from pathlib import Path

import click

from sandbox.client import Sandbox
from workers.cli.play import Play, StepFailedError
from workers.cli.play_steps import STEPS
from workers.local.desk import LocalDesk, Ports
from workers.local.errors import LocalError
from workers.local.supervisor import free_port
from workers.local.terminal import Sink

# Short enough to be waited for: in a real desk these are 5 seconds, 14 days and 20 seconds.
HOLD = 1.0
REOPEN_WINDOW = 6.0
EVENT_LEASE = 4.0

_OUTSIDE = (
    *("FRONTDESK_DIR", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "BROKER_URL", "PUBLIC_URL", "ATTACHMENTS_URL"),
    *("FLOWER_", "SLACK_", "TWILIO_", "SMTP_"),
)


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".frontdesk/demo"),
    show_default=True,
    help="Emptied at the start, kept for a look afterwards.",
)
def demo(folder: Path) -> None:
    """Play a support day against the sandbox and check every step.

    Starts everything itself, on free ports and with data of its own; nothing outside this machine is called.
    """
    folder = folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / "processes.log").open("w", encoding="utf-8") as log:
        failed = _play(folder, lambda line: _write(log, line))
    if failed:
        click.echo(f"what the processes said is in {folder / 'processes.log'}")
        sys.exit(1)


def _play(folder: Path, sink: Sink) -> bool:
    desk = LocalDesk(
        folder=folder,
        environment=_own_environment(),
        ports=Ports(**{name: free_port() for name in ("web", "smtp", "flower", "sandbox", "sandbox_smtp")}),
        say=lambda line: click.secho(line, dim=True),
    )
    with desk.running(Path(str(resources.files("sandbox") / "desk.toml")), sink) as (supervisor, running):
        click.secho("starting web, smtp, workers, beat, Flower and the sandbox", dim=True)
        with supervisor:
            play = Play(running, supervisor, Sandbox(f"http://127.0.0.1:{desk.ports.sandbox}"))
            results = [_step(play, number) for number in range(len(STEPS))]
            click.secho("stopping", dim=True)
    return _table(results)


def _step(play: Play, number: int) -> tuple[str, float, str]:
    """Play one step; what a step leaves unproven fails it, and the next is played all the same."""
    step = STEPS[number]
    title = (step.__doc__ or "").partition("\n")[0].rstrip(".")
    click.secho(f"\n{number + 1}. {title}", bold=True)
    start = time.monotonic()
    try:
        step(play)
    except (StepFailedError, TimeoutError, LocalError) as error:
        click.secho(f"   failed: {error}", fg="red")
        return title, time.monotonic() - start, str(error)
    return title, time.monotonic() - start, ""


def _table(results: list[tuple[str, float, str]]) -> bool:
    click.echo()
    for number, (title, seconds, error) in enumerate(results, 1):
        mark = click.style("✗", fg="red") if error else click.style("✓", fg="green")
        click.echo(f"  {mark} {number:>2}. {title:<60} {seconds:5.1f} s")
    failed = [f"step {number}: {error}" for number, (_, _, error) in enumerate(results, 1) if error]
    click.echo()
    click.echo("\n".join(failed) if failed else f"all {len(results)} steps held")
    return bool(failed)


def _own_environment() -> dict[str, str]:
    """Return the environment without anything that points at a real desk."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OUTSIDE)}
    return {
        **kept,
        "REPLY_HOLD_SECONDS": str(HOLD),
        "REOPEN_WINDOW_DAYS": str(REOPEN_WINDOW / 86_400),
        "EVENT_LEASE_SECONDS": str(EVENT_LEASE),
        "SWEEP_SECONDS": "1",
        "DIGEST_AT": "off",
        # A day's posts in a minute.
        "SLACK_POSTS_PER_SECOND": "0",
    }


def _write(log: object, line: str) -> None:
    print(line, file=log, flush=True)  # type: ignore[call-overload]
