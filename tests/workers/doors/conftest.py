import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

import sandbox as other_side
from tests.conftest import CREDENTIALS
from tests.workers.doors.open_doors import PUBLIC_URL, Doors
from workers.local.postgres import LocalPostgres
from workers.local.redis import LocalRedis
from workers.local.supervisor import Program, Supervisor, free_port


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # One pair of doors a run: spread over workers, each would open its own. What is timed runs in turn with the
    # acceptance tests, never beside them: they leave no core free.
    for item in items:
        if Path(__file__).parent in item.path.parents:
            timed = item.path.name == "test_web_latency.py"
            item.add_marker(pytest.mark.xdist_group("acceptance" if timed else "doors"))


@pytest.fixture(scope="session")
def doors_postgres(folder: Path) -> Iterator[LocalPostgres]:
    # One of their own, which tests may stop, and which writes to disk as it should.
    with LocalPostgres.start(folder / "doors-postgres") as server:
        yield server


@pytest.fixture(scope="session")
def certificate(folder: Path) -> str:
    """Make a key and a certificate for this machine's address; empty where there is no `openssl`."""
    path = folder / "door.pem"
    if not (openssl := shutil.which("openssl")):
        return ""
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=door -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [openssl, *words.split(), "-keyout", str(path), "-out", f"{path}.crt"], check=True, capture_output=True
    )
    with path.open("a") as both:
        both.write(Path(f"{path}.crt").read_text())
    return str(path)


@pytest.fixture(scope="session")
def doors(folder: Path, doors_postgres: LocalPostgres, redis: LocalRedis, certificate: str) -> Iterator[Doors]:
    """Run both doors as `frontdesk up` does."""
    web, smtp = free_port(), free_port()
    environment = {
        **CREDENTIALS,
        "PATH": os.environ["PATH"],
        "DATABASE_URL": doors_postgres.url,
        "REDIS_URL": make_url(redis.url).set(database="9").render_as_string(hide_password=False),
        "FRONTDESK_DIR": str(folder / "doors"),
        "PUBLIC_URL": PUBLIC_URL,
        "SMTP_TLS_CERT": certificate,
    }
    desk = Path(str(other_side.__file__)).with_name("desk.toml")
    for words in (["migrate"], ["apply", str(desk)]):
        subprocess.run([*FRONTDESK, *words], env=environment, check=True, capture_output=True)
    programs = [
        program("web", web, f"http://127.0.0.1:{web}/readyz", environment),
        program("smtp", smtp, f"tcp://127.0.0.1:{smtp}", environment),
    ]
    lines: list[str] = []
    with Supervisor(programs, sink=lines.append), httpx.Client(timeout=30) as http:
        yield Doors(
            web=f"http://127.0.0.1:{web}",
            smtp=smtp,
            environment=environment,
            postgres=doors_postgres,
            lines=lines,
            certificate=certificate,
            http=http,
        )


FRONTDESK = [sys.executable, "-m", "workers"]


def program(name: str, port: int, ready: str, environment: dict[str, str]) -> Program:
    return Program(name=name, argv=(*FRONTDESK, name, "--port", str(port)), env=environment, ready=ready)
