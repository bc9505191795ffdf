"""A whole desk on one machine: servers, processes and, for what has no account yet, the sandbox as the other side."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workers.local.errors import LocalError
from workers.local.postgres import LocalPostgres
from workers.local.redis import LocalRedis
from workers.local.secrets import SECRETS, local_secrets, write_private
from workers.local.supervisor import Program, Supervisor
from workers.local.terminal import Sink

# For what processes leave behind that are killed, such as the shared memory of a Celery worker; emptied at the start.
TEMPORARY = "tmp"

# What this run invented, for commands in other terminals; gone when it stops.
RUNNING = "running.env"

_SLACK = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")
_TWILIO = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where this machine's processes listen."""

    web: int = 8080
    smtp: int = 2525
    flower: int = 5555
    sandbox: int = 8099
    sandbox_smtp: int = 8026


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDesk:
    """What a run on one machine consists of. `environment` is the caller's and goes before what is made up here."""

    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    ports: Ports = Ports()
    concurrency: int = 2
    say: Callable[[str], None] = print

    @contextmanager
    def running(self, desk_file: Path, sink: Sink | None = None) -> Iterator[tuple[Supervisor, "RunningDesk"]]:
        """Start servers, bring the schema and the desk up to date, and give a supervisor that is not started yet."""
        with ExitStack() as stack:
            running = RunningDesk(desk=self, servers=self._servers(stack))
            write_private(
                self.folder / RUNNING, "".join(f"{key}='{value}'\n" for key, value in running.made_up.items())
            )
            stack.callback((self.folder / RUNNING).unlink, missing_ok=True)
            self.say(running.frontdesk("migrate"))
            self.say(running.frontdesk("apply", str(desk_file)))
            checks = [server.ensure for server in running.servers.values()]
            yield Supervisor(running.programs(), checks=checks, sink=sink), running

    def _servers(self, stack: ExitStack) -> dict[str, LocalPostgres | LocalRedis]:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ".gitignore").write_text("*\n")  # it holds secrets and clients' words
        shutil.rmtree(self.folder / TEMPORARY, ignore_errors=True)
        (self.folder / TEMPORARY).mkdir(mode=0o700)
        servers: dict[str, LocalPostgres | LocalRedis] = {}
        if not self.environment.get("DATABASE_URL"):
            self.say("starting PostgreSQL")
            servers["DATABASE_URL"] = stack.enter_context(LocalPostgres.start(self.folder / "postgres", say=self.say))
        if not (self.environment.get("REDIS_URL") or self.environment.get("BROKER_URL")):
            self.say("starting Redis")
            servers["REDIS_URL"] = stack.enter_context(LocalRedis.start(self.folder / "redis", say=self.say))
        return servers


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningDesk:
    """A desk whose servers run."""

    desk: LocalDesk
    servers: Mapping[str, LocalPostgres | LocalRedis]

    @property
    def sandboxed(self) -> tuple[str, ...]:
        """Return which parts of the outside the sandbox stands in for."""
        given = self.desk.environment
        parts = {
            # With Socket Mode nobody calls us: there is no signing secret then, and none may be made up.
            "Slack": bool(given.get("SLACK_BOT_TOKEN"))
            and any(given.get(name) for name in ("SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN")),
            "Twilio": all(given.get(name) for name in _TWILIO),
            "the mail relay": bool(given.get("SMTP_RELAY_URL")),
        }
        return tuple(name for name, real in parts.items() if not real)

    @property
    def made_up(self) -> Mapping[str, str]:
        """Return the settings that the caller's environment lacks."""
        own = {name: server.url for name, server in self.servers.items()}
        invented = local_secrets(self.desk.folder)
        ports = self.desk.ports
        own |= {"FRONTDESK_DIR": str(self.desk.folder), "PUBLIC_URL": f"http://127.0.0.1:{ports.web}"}
        own |= {name: invented[name] for name in ("SECRET_KEY", "FLOWER_PASSWORD")}
        if "Slack" in self.sandboxed:
            own |= {name: invented[name] for name in _SLACK}
            own["SLACK_API_URL"] = f"http://127.0.0.1:{ports.sandbox}/slack/api/"
        if "Twilio" in self.sandboxed:
            own |= {name: invented[name] for name in _TWILIO}
            own["TWILIO_API_URL"] = f"http://127.0.0.1:{ports.sandbox}/twilio"
        if "the mail relay" in self.sandboxed:
            own["SMTP_RELAY_URL"] = f"smtp://127.0.0.1:{ports.sandbox_smtp}?starttls=off"
            own["TRUSTED_AUTHSERV_ID"] = "mx.sandbox.example"
        return {name: value for name, value in own.items() if not self.desk.environment.get(name)}

    @property
    def environment(self) -> dict[str, str]:
        """Return the whole environment of the processes."""
        own = {"PYTHONUNBUFFERED": "1", "TMPDIR": str(self.desk.folder / TEMPORARY)}
        return {**self.desk.environment, **self.made_up, **own}

    @property
    def flower_login(self) -> str:
        """Return the name Flower asks for, and where its password is to be found."""
        user = self.environment.get("FLOWER_USER") or "frontdesk"
        where = f" in {self.desk.folder / SECRETS}" if "FLOWER_PASSWORD" in self.made_up else " of your settings"
        return f"user {user}, password: FLOWER_PASSWORD{where}"

    def frontdesk(self, *words: str) -> str:
        """Run one `frontdesk` command to its end and return what it printed. Raises `LocalError` with its words."""
        done = subprocess.run(
            self._command(*words), env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode:
            raise LocalError((done.stderr or done.stdout).strip().removeprefix("frontdesk: "))
        return done.stdout.strip()

    def programs(self) -> list[Program]:
        """Return every process of the desk."""
        ports, workers = self.desk.ports, str(self.desk.concurrency)
        local = [
            self._program(
                "web", "green", "web", "--port", str(ports.web), ready=f"http://127.0.0.1:{ports.web}/readyz"
            ),
            self._program("smtp", "cyan", "smtp", "--port", str(ports.smtp), ready=f"tcp://127.0.0.1:{ports.smtp}"),
            self._program(
                "inbound",
                "yellow",
                "worker",
                "--queues",
                "inbound,housekeeping",
                "--name",
                "inbound",
                "--concurrency",
                workers,
            ),
            self._program(
                "outbound", "magenta", "worker", "--queues", "outbound", "--name", "outbound", "--concurrency", workers
            ),
            *([self._program("imap", "cyan", "imap")] if self.desk.environment.get("IMAP_MAILBOXES") else ()),
            self._program("beat", "blue", "beat"),
            self._program(
                "flower", "white", "flower", "--port", str(ports.flower), ready=f"tcp://127.0.0.1:{ports.flower}"
            ),
        ]
        if self.environment.get("SLACK_APP_TOKEN"):
            local.append(self._program("slack-socket", "green", "slack-socket"))
        return [*([self._sandbox()] if self.sandboxed else ()), *local]

    def _sandbox(self) -> Program:
        ports = self.desk.ports
        return Program(
            name="sandbox",
            argv=(
                *(sys.executable, "-m", "sandbox", "--port", str(ports.sandbox)),
                *("--smtp-port", str(ports.sandbox_smtp), "--ledger", str(self.desk.folder / "sandbox.jsonl")),
            ),
            env={
                **self.environment,
                **{name: local_secrets(self.desk.folder)[name] for name in (*_SLACK, *_TWILIO)},
                "WEB_URL": f"http://127.0.0.1:{ports.web}",
                "SMTP_DOOR": f"127.0.0.1:{ports.smtp}",
            },
            colour="red",
            ready=f"http://127.0.0.1:{ports.sandbox}/healthz",
        )

    def _program(self, name: str, colour: str, *words: str, ready: str = "") -> Program:
        return Program(name=name, argv=tuple(self._command(*words)), env=self.environment, colour=colour, ready=ready)

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "workers", *words]
