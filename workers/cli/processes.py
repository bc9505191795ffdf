"""The processes of a desk, each to be run as often and where one likes."""

import os
import sys
import warnings

import click
from celery.exceptions import SecurityWarning
from celery.utils.nodenames import host_format

from channels import registry
from workers.app import HOUSEKEEPING, app
from workers.cli.ports import PORT, refuse_taken
from workers.runtime import connect_channels, runtime
from workers.settings import SettingsError, read_environment, settings

_PASSWORD_LENGTH = 12


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema. Safe to run at every start."""
    from workers.migrate import migrate as run  # noqa: PLC0415 (each process loads only what is its own)

    run(settings().database_url)
    click.echo("the database is up to date")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, envvar="WEB_HOST")
@click.option("--port", default=8080, show_default=True, envvar="WEB_PORT", type=PORT)
def web(host: str, port: int) -> None:
    """Take webhooks of Slack and Twilio, and serve the files of answers."""
    from workers.doors.web import serve  # noqa: PLC0415 (each process loads only what is its own)

    refuse_taken(host, port)
    serve(runtime(), host=host, port=port)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, envvar="SMTP_HOST")
@click.option("--port", default=2525, show_default=True, envvar="SMTP_PORT", type=PORT)
def smtp(host: str, port: int) -> None:
    """Take mail for the mailboxes of desk.toml, and for nobody else."""
    from workers.doors.smtp import serve  # noqa: PLC0415 (each process loads only what is its own)

    refuse_taken(host, port)
    serve(runtime(), host=host, port=port)


@click.command()
def imap() -> None:
    """Fetch mail from the mailboxes of IMAP_MAILBOXES. Two at once do no harm: one waits."""
    from workers.doors.imap import serve  # noqa: PLC0415 (each process loads only what is its own)

    serve(runtime())


@click.command()
def slack_socket() -> None:
    """Take Slack's calls over a connection of our own: no public address needed. Needs SLACK_APP_TOKEN."""
    from workers.doors.slack_socket import serve  # noqa: PLC0415 (each process loads only what is its own)

    serve(runtime())


@click.command()
@click.option(
    "--queues",
    default="all",
    show_default=True,
    help="inbound, outbound, housekeeping, all, or names of queues (inbound.email,outbound.slack).",
)
@click.option(
    "--concurrency", default=2, show_default=True, type=click.IntRange(min=1), help="How many child processes."
)
@click.option(
    "--name", default="celery", show_default=True, help="Of the node, before @host: each on a host needs its own."
)
def worker(queues: str, concurrency: int, name: str) -> None:
    """Ingest what arrived and send what is due."""
    connect_channels(settings())  # a child could not refuse to start: it would be replaced by another
    # Celery fears root because of pickled tasks; ours are JSON, and other content is refused.
    warnings.simplefilter("ignore", SecurityWarning)
    # Not through Celery's own command line: it loads Flower and a web server into every worker, 13 MB.
    running = app.Worker(
        hostname=host_format(f"{name}@%h"),
        queues=_queues(queues),
        concurrency=concurrency,
        loglevel="WARNING",
        task_events=True,
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    _close_output()
    running.start()
    sys.exit(running.exitcode)


def _close_output() -> None:
    """Let standard output lead nowhere: Celery writes to it in its signal handlers, before it does what they are for.

    Where nobody reads it any more the handler breaks off there, and the worker does not stop. We log to standard error.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _queues(wish: str) -> list[str]:
    known = {
        "inbound": [f"inbound.{name}" for name in registry.NAMES],
        "outbound": [f"outbound.{name}" for name in registry.NAMES],
        HOUSEKEEPING: [HOUSEKEEPING],
    }
    known["all"] = [name for names in known.values() for name in names]
    chosen = [name for word in wish.split(",") for name in known.get(word, [word])]
    unknown = sorted(set(chosen) - set(known["all"]))
    if unknown:
        raise SettingsError(f"there is no queue {', '.join(unknown)}: choose from {', '.join(known['all'])}")
    return chosen


@click.command()
def beat() -> None:
    """Start the sweeps. Two at once do no harm."""
    # The plain scheduler keeps no file: a sweep more or less after a restart is nothing.
    app.Beat(scheduler_cls="celery.beat:Scheduler", loglevel="WARNING", quiet=True).run()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, envvar="FLOWER_HOST")
@click.option("--port", default=5555, show_default=True, envvar="FLOWER_PORT", type=PORT)
def flower(host: str, port: int) -> None:
    """Watch queues and workers in a browser. Needs FLOWER_PASSWORD; reads only."""
    environment = read_environment()
    user, password = environment.get("FLOWER_USER", "frontdesk"), environment.get("FLOWER_PASSWORD", "")
    if len(password) < _PASSWORD_LENGTH:
        raise SettingsError(f"FLOWER_PASSWORD needs {_PASSWORD_LENGTH} characters or more: Flower never runs open")
    if "," in user + password:
        raise SettingsError("FLOWER_USER and FLOWER_PASSWORD must not hold a comma: Flower would read two accounts")
    refuse_taken(host, port)
    for name in [each for each in os.environ if each.startswith("FLOWER_")]:
        del os.environ[name]  # Flower takes every option from such names, the ones that open it included
    os.environ["FLOWER_BASIC_AUTH"] = f"{user}:{password}"  # not on the command line, where every process can read it
    app.start(["flower", f"--address={host}", f"--port={port}", "--read_only=True", "--logging=error"])
