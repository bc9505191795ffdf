import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from workers.local.errors import LocalError
from workers.local.redis import LocalRedis


@pytest.fixture
def server(folder: Path) -> Iterator[LocalRedis]:
    with LocalRedis.start(folder) as running:
        yield running


def test_password_is_required(server: LocalRedis) -> None:
    with Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as client, pytest.raises(AuthenticationError):
        client.ping()


def test_password_is_ours_alone_and_on_no_command_line(server: LocalRedis) -> None:
    assert (server.home / "password").stat().st_mode & 0o777 == 0o600
    assert (server.pid_file.parent / "redis.conf").stat().st_mode & 0o777 == 0o600
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    assert server.password not in listing


def test_no_key_is_dropped_and_every_write_is_kept(server: LocalRedis) -> None:
    with Redis.from_url(server.url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


def test_only_this_machine_can_connect(server: LocalRedis) -> None:
    with Redis.from_url(server.url, decode_responses=True) as client:
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_data_survives_a_restart_on_the_same_port(server: LocalRedis) -> None:
    url = server.url
    with Redis.from_url(url) as client:
        client.set("line", "still here")
        server.restart()
    with Redis.from_url(url) as client:
        assert client.get("line") == b"still here"


def test_killed_server_is_started_again(server: LocalRedis) -> None:
    with Redis.from_url(server.url) as client:
        client.set("line", "still here")
    server.kill()
    server.ensure()
    with Redis.from_url(server.url) as client:
        assert client.get("line") == b"still here"


def test_server_outlives_the_thread_that_started_it(server: LocalRedis) -> None:
    starter = Thread(target=server.restart)
    starter.start()
    starter.join()
    with Redis.from_url(server.url) as client:
        client.blpop(["nothing"], timeout=1)
        assert client.ping()


def test_data_survives_stop_and_start(folder: Path) -> None:
    with LocalRedis.start(folder) as server, Redis.from_url(server.url) as client:
        client.set("line", "still here")
    with LocalRedis.start(folder) as server, Redis.from_url(server.url) as client:
        assert client.get("line") == b"still here"


def test_second_frontdesk_on_one_folder_is_told_so(server: LocalRedis) -> None:
    with pytest.raises(LocalError, match="Another Frontdesk runs Redis"):
        LocalRedis.start(server.home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_root_runs_the_server_as_nobody(server: LocalRedis) -> None:
    owner = subprocess.run(["ps", "-o", "user=", "-p", str(server.pid)], capture_output=True, text=True, check=True)  # noqa: S607
    assert owner.stdout.strip() == "nobody"
