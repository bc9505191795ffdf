import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from sandbox.client import wait_for
from workers.local.errors import LocalError
from workers.local.supervisor import Program, Supervisor, free_port

TALKER = "import signal; print('hello'); signal.pause()"
# A worker with a pool: a second process in the same group that outlives its parent.
PARENT = "import signal, subprocess as s; print(s.Popen(['sleep', '600']).pid); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf')\nwhile True: signal.pause()"
POLITE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit('bye')); print('hello'); signal.pause()"
SERVE = "import sys; from http.server import *; HTTPServer(('127.0.0.1', {}), {}).serve_forever()"


def python(name: str, code: str, **more: str) -> Program:
    return Program(name=name, argv=(sys.executable, "-c", code), **more)  # type: ignore[arg-type]  # texts only


class Lines(Queue[str]):
    """What the supervisor wrote; `until` waits for a line."""

    def until(self, part: str) -> str:
        while part not in (line := self.get(timeout=20)):
            pass
        return line


@pytest.fixture
def lines() -> Lines:
    return Lines()


def lives(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout  # noqa: S607
    return bool(state.strip()) and not state.startswith("Z")


def test_every_line_is_headed_by_its_programs_padded_name(lines: Lines) -> None:
    with Supervisor([python("web", TALKER), python("worker-inbound", TALKER)], sink=lines.put):
        heads = {lines.get(timeout=20), lines.get(timeout=20)}
    assert heads == {"web            | hello", "worker-inbound | hello"}


def test_output_that_is_no_text_is_shown_all_the_same(lines: Lines) -> None:
    code = r"import os, signal; os.write(2, b'caf\xe9\r\n'); signal.pause()"
    with Supervisor([python("web", code)], sink=lines.put):
        assert lines.get(timeout=20) == "web       | caf\N{REPLACEMENT CHARACTER}"


def test_killed_program_is_started_again(lines: Lines) -> None:
    with Supervisor([python("web", TALKER)], sink=lines.put) as running:
        lines.until("hello")
        (first,) = running.pids("web")
        running.kill("web", signal.SIGKILL)
        assert lines.until("ended") == "web       | ended by SIGKILL; starting again in 0.5 s"
        lines.until("hello")
        assert running.pids("web") != (first,)


def test_pause_doubles_for_a_program_that_keeps_ending(lines: Lines) -> None:
    with Supervisor([python("web", "raise SystemExit(3)")], sink=lines.put):
        assert lines.until("ended").endswith("ended with 3; starting again in 0.5 s")
        assert lines.until("ended").endswith("ended with 3; starting again in 1 s")


def test_program_that_does_not_exist_is_told_and_the_others_run(lines: Lines) -> None:
    missing = Program(name="web", argv=("/nowhere/web",))
    with Supervisor([missing, python("smtp", TALKER)], sink=lines.put):
        told = {lines.until("/nowhere/web").split()[0], lines.until("hello").split()[0]}
    assert told == {"web", "smtp"}


def test_pool_of_a_killed_worker_does_not_survive_it(lines: Lines) -> None:
    with Supervisor([python("worker", PARENT)], sink=lines.put) as running:
        orphan = int(lines.get(timeout=20).split()[-1])
        running.kill("worker", signal.SIGKILL)
        lines.until("starting again")
        wait_for(lambda: not lives(orphan), "end of the pool", 5)  # killed is a moment before gone


def test_nothing_is_left_after_a_stop(lines: Lines) -> None:
    with Supervisor([python("worker", PARENT), python("web", TALKER)], sink=lines.put) as running:
        pool = int(lines.until("worker").split()[-1])
        processes = [pool, *running.pids("worker"), *running.pids("web")]
    assert len(processes) == 3
    # Killed is a moment before gone.
    wait_for(lambda: not any(map(lives, processes)), "end of every process", 5)


def test_program_may_finish_its_work_before_it_ends(lines: Lines) -> None:
    with Supervisor([python("worker", POLITE)], sink=lines.put) as running:
        lines.until("hello")
        assert running.stop()
    assert lines.get(timeout=20).endswith("bye")


def test_program_that_will_not_stop_is_killed(lines: Lines) -> None:
    with Supervisor([python("worker", STUBBORN)], sink=lines.put, grace=0.2) as running:
        lines.until("deaf")
        (pid,) = running.pids("worker")
        assert not running.stop()
    assert lines.until("killing").startswith("frontdesk | worker did not stop")
    assert not lives(pid)


def test_start_waits_until_a_port_accepts(lines: Lines) -> None:
    port = free_port()
    serve = SERVE.format(port, "BaseHTTPRequestHandler")
    with Supervisor([python("smtp", serve, ready=f"tcp://127.0.0.1:{port}")], sink=lines.put) as running:
        assert len(running.pids("smtp")) == 1


def test_start_waits_until_an_address_says_yes(lines: Lines, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "healthz").touch()
    program = Program(
        name="web",
        argv=(sys.executable, "-c", SERVE.format(port, "SimpleHTTPRequestHandler")),
        cwd=tmp_path,
        ready=f"http://127.0.0.1:{port}/healthz",
    )
    with Supervisor([program], sink=lines.put):
        assert '"GET /healthz HTTP/1.1" 200' in lines.until("healthz")


def test_program_that_never_gets_ready_stops_the_start(lines: Lines) -> None:
    mute = Program(name="web", argv=("sleep", "600"), ready=f"tcp://127.0.0.1:{free_port()}", ready_within=0.2)
    running = Supervisor([mute], sink=lines.put)
    with pytest.raises(LocalError, match=r"web did not answer at tcp://.* within 0.2 s"), running:
        pass
    assert running.pids("web") == ()


def test_server_check_that_fails_is_told_and_tried_again(lines: Lines) -> None:
    def check() -> None:
        raise LocalError("PostgreSQL did not start.")

    with Supervisor([python("web", TALKER)], checks=[check], sink=lines.put):
        assert lines.until("PostgreSQL") == "frontdesk | PostgreSQL did not start."
        lines.until("PostgreSQL")


RUN = f"""\
import sys
from workers.local.supervisor import Program, Supervisor
raise SystemExit(Supervisor([Program(name="web", argv=(sys.executable, "-c", {TALKER!r}))]).run())
"""


@contextlib.contextmanager
def supervisor_process(**environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | environment
    with subprocess.Popen([sys.executable, "-c", RUN], stdout=theirs, stdin=theirs, env=environment) as process:
        os.close(theirs)
        try:
            yield process, ours
        finally:
            process.terminate()
            os.close(ours)


def read_until(terminal: int, part: bytes) -> bytes:
    text = b""
    while part not in text:
        text += os.read(terminal, 4096)
    return text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_everything_with_exit_code_0(number: signal.Signals) -> None:
    with supervisor_process() as (process, terminal):
        read_until(terminal, b"hello")
        process.send_signal(number)
        assert process.wait(20) == 0


def test_terminal_gets_colours_unless_the_person_wants_none() -> None:
    with supervisor_process() as (_, terminal):
        assert b"\x1b[36mweb       |\x1b[0m hello" in read_until(terminal, b"hello")
    with supervisor_process(NO_COLOR="1") as (_, terminal):
        assert b"\x1b" not in read_until(terminal, b"hello")
