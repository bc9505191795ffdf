"""What a process is made of: settings, database, channels, store, rules. Made once per process, after any fork."""

from dataclasses import dataclass
from functools import cache
from typing import cast

from celery.signals import worker_process_init

from channels import registry
from channels.base import AgentsDesk, Channel
from workers import app
from workers.db import Database, Publish
from workers.desk.acknowledgement import Acknowledgements
from workers.desk.actions import Actions
from workers.desk.among_clients import AmongClients
from workers.desk.merging import Merging
from workers.desk.outgoing import Outgoing
from workers.desk.recording import Recorder
from workers.desk.replies import Replies
from workers.desk.reports import Reports
from workers.desk.threading import Threading
from workers.desk.window import Windows
from workers.outbox import AGENTS_CHANNEL, Outbox
from workers.scanner import Scanner
from workers.settings import Settings, SettingsError, settings
from workers.store import AttachmentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The tools of one process."""

    settings: Settings
    database: Database
    channels: registry.Registry
    store: AttachmentStore
    scanner: Scanner | None
    outbox: Outbox
    outgoing: Outgoing
    recorder: Recorder
    merging: Merging
    windows: Windows

    def channel(self, name: str) -> Channel:
        """Return the channel of this name."""
        return self.channels.channels[name]

    @property
    def agents_desk(self) -> AgentsDesk:
        """Return the channel in which agents work."""
        return cast("AgentsDesk", self.channel(AGENTS_CHANNEL))


@cache
def runtime() -> Runtime:
    """Return this process's tools."""
    return build(settings())


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery's signals have no types
def _warm_up(**_: object) -> None:
    """Make a pool child's tools before its first task, not during it."""
    runtime()


def connect_channels(current: Settings) -> registry.Registry:
    """Make the channels that these settings describe. Raises `SettingsError`."""
    try:
        return registry.connect(current.environment)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _scanner(current: Settings) -> Scanner | None:
    return Scanner(command=current.scan_command, timeout=current.scan_timeout) if current.scan_command else None


def build(current: Settings, publish: Publish = app.publish) -> Runtime:
    """Make the tools that these settings describe; `publish` wakes workers. Raises `SettingsError`."""
    channels = connect_channels(current)
    store = AttachmentStore(current.attachments_url)
    outbox = Outbox(channels=channels, hold=current.reply_hold)
    replies = Replies(outbox=outbox)
    windows = Windows(outbox=outbox)
    return Runtime(
        settings=current,
        database=Database(current.database_url, publish),
        channels=channels,
        store=store,
        scanner=_scanner(current),
        outbox=outbox,
        outgoing=Outgoing(channels=channels, store=store, secret=current.secret_key, public_url=current.public_url),
        recorder=Recorder(
            threading=Threading(
                secret=current.secret_key, reopen_window=current.reopen_window, grouping=current.slack_grouping
            ),
            outbox=outbox,
            replies=replies,
            among_clients=AmongClients(outbox=outbox, replies=replies),
            actions=Actions(outbox=outbox, windows=windows),
            reports=Reports(outbox=outbox, secret=current.secret_key),
            acknowledgements=Acknowledgements(outbox=outbox, per_hour=current.acknowledgements_per_hour),
            windows=windows,
        ),
        merging=Merging(outbox=outbox),
        windows=windows,
    )
