"""The IMAP door: a thread for each mailbox, which connects again by itself, and a watch over all of them."""

import random
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from channels.email.imap_account import Account, accounts_from
from channels.email.imap_source import EXPECTED, Source, trouble
from channels.email.oauth import SignInRefused
from models.mailboxes import note_trouble, open_mailbox
from workers import app
from workers.db import HeldLock
from workers.doors.imap_reader import Pace, Progress, Reader
from workers.doors.imap_tokens import Tokens
from workers.inbox import Inbox
from workers.logs import get_logger
from workers.runtime import Runtime
from workers.settings import SettingsError, number
from workers.silence import longest_silence

log = get_logger()

Connect = Callable[[Account, str, Callable[[], bool]], Source]

_STOP = (signal.SIGTERM, signal.SIGINT)
_CHECK_SECONDS = 1.0
_STOP_SECONDS = 5.0

_AWAY = (OperationalError, InterfaceError, ProgrammingError, PoolTimeoutError)
_DATABASE = "the database does not answer, or was not migrated"


def accounts_of(environment: Mapping[str, str]) -> tuple[Account, ...]:
    """Return the mailboxes of the settings, perhaps none. Raises `SettingsError`."""
    try:
        return accounts_from(environment)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def pace_of(environment: Mapping[str, str]) -> Pace:
    """Return how often and how far to look. Raises `SettingsError`."""
    silent = longest_silence(environment).total_seconds()
    days = number(environment, "IMAP_LOOK_BACK_DAYS", 3, least=0, most=366)
    return Pace(idle=min(Pace().idle, silent / 3), silent=silent, look_back_days=days)


def serve(tools: Runtime, connect: Connect = Source, pace: Pace | None = None) -> None:
    """Run the IMAP door until SIGTERM or Ctrl-C. A stop in mid-mail is safe: what is not stored is fetched again."""
    environment = tools.settings.environment
    chosen = pace or pace_of(environment)
    house = House(tools=tools, inbox=Inbox(tools.database, app.publish), connect=connect, pace=chosen)
    watches = [Watch(house, account) for account in accounts_of(environment)]
    if not watches:
        raise SettingsError("IMAP_MAILBOXES is not set: name the mailboxes to fetch from, as in IMAP_MAILBOXES=support")
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    for watch in watches:
        watch.start()
    log.info("imap_watching", mailboxes=len(watches))
    while signal.sigtimedwait(_STOP, _CHECK_SECONDS) is None:
        for watch in watches:
            watch.check()
        if not all(watch.is_alive() for watch in watches):
            raise RuntimeError("a mailbox's thread has ended")  # the supervisor starts us again
    _stop(watches)
    log.info("imap_stopped")


def _stop(watches: "list[Watch]") -> None:
    for watch in watches:
        watch.stop()
    end = time.monotonic() + _STOP_SECONDS
    for watch in watches:
        watch.join(max(0.0, end - time.monotonic()))


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the threads of one process share."""

    tools: Runtime
    inbox: Inbox
    connect: Connect
    pace: Pace


class Watch(threading.Thread):
    """Reads one mailbox for as long as the process lasts."""

    def __init__(self, house: House, account: Account) -> None:
        super().__init__(name=f"imap-{account.name}", daemon=True)
        self._house = house
        self._account = account
        self._database = house.tools.database
        self._over = threading.Event()
        self._progress = Progress(alive_at=time.monotonic())
        self._reader = Reader(self._database, house.inbox, account, house.pace, self._progress)
        self._tokens = self._make_tokens()
        self._failures = 0
        self._silent = self._standing_by = False

    def _make_tokens(self) -> Tokens | None:
        if self._account.oauth is None:
            return None
        return Tokens(self._database, self._account.name, self._account.oauth, self._house.tools.settings.secret_key)

    def stop(self) -> None:
        """End at the next moment that allows it."""
        self._over.set()

    def check(self) -> None:
        """Say when the mailbox has not been read for too long, and when it is again."""
        quiet = time.monotonic() - self._progress.alive_at
        if (quiet > self._house.pace.silent) == self._silent:
            return
        self._silent = not self._silent
        if self._silent:
            log.warning("mailbox_silent", mailbox=self._account.name, minutes=round(quiet / 60))
        else:
            log.info("mailbox_recovered", mailbox=self._account.name)

    def run(self) -> None:
        """Read, and after any trouble begin again, a little later each time."""
        while not self._over.is_set():
            try:
                self._when_ours()
            except Exception as error:  # noqa: BLE001 (whatever a server or the database does, the mailbox comes back)
                if not self._over.is_set():
                    self._over.wait(self._after(error))

    def _when_ours(self) -> None:
        with self._database.lock(f"frontdesk.imap.{self._account.name}") as lock:
            if lock is not None:
                self._standing_by = False
                self._read(lock)
                return
        if not self._standing_by:
            log.info("mailbox_stands_by", mailbox=self._account.name)
        self._standing_by = True
        self._progress.alive_at = time.monotonic()  # the other process says when it is silent
        self._over.wait(self._house.pace.stand_by)

    def _read(self, lock: HeldLock) -> None:
        pace = self._house.pace
        with self._database.session_scope() as session:
            cursor = open_mailbox(session, self._account.name, self._account.place)
        with closing(self._house.connect(self._account, self._secret(), self._over.is_set)) as source:
            self._reader.begin(source, cursor)
            log.info("mailbox_read", mailbox=self._account.name)
            while not self._over.is_set():
                self._failures = 0
                source.wait(pace.idle)
                self._over.wait(pace.pause)
                lock.check()
                self._reader.read_on()

    def _secret(self) -> str:
        return self._tokens.access_token() if self._tokens else self._account.password

    def _after(self, error: Exception) -> float:
        """Say what happened, where operators look, and return how many seconds to wait."""
        if not isinstance(error, (*EXPECTED, *_AWAY)):
            where = "".join(traceback.format_tb(error.__traceback__)[-3:])
            log.error("mailbox_broke", mailbox=self._account.name, error=type(error).__name__, where=where)
        said = _DATABASE if isinstance(error, _AWAY) else trouble(error)
        seconds = self._wait(error)
        log.warning("mailbox_trouble", mailbox=self._account.name, reason=said, seconds=round(seconds, 1))
        with suppress(SQLAlchemyError), self._database.session_scope() as session:
            note_trouble(session, self._account.name, said)
        return seconds

    def _wait(self, error: Exception) -> float:
        pace = self._house.pace
        self._failures += 1
        wait = min(pace.shortest_wait * 2.0 ** min(self._failures - 1, 20), pace.longest_wait)
        if isinstance(error, SignInRefused):
            wait = pace.wait_when_refused
            if self._tokens:
                self._tokens.forget()
        return wait * random.uniform(0.5, 1.5)  # noqa: S311 (jitter is no secret)
