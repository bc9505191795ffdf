import base64
import json
import os
import pickle
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from channels import registry
from sandbox.client import wait_for
from tests.desk import Desk
from tests.workers.own_process import own_process
from workers import app as celery  # the module: an app that pytest collected would read its settings too early
from workers.app import HOUSEKEEPING, QUEUES, ROWS_A_TASK, VISIBILITY_TIMEOUT, publish, queue_of
from workers.db import STATEMENT_TIMEOUT, Wakeup
from workers.tasks import housekeeping, inbound, outbound

# What somebody with the broker's password could put in a task.
CRAFTED: tuple[Any, ...] = (
    None,
    0,
    7,
    "7",
    "'; DROP TABLE tickets; --",
    {"event_ids": [1]},
    [],
    [None, "1", 1.5, [1], {"a": 1}],
    [-1, 0, 2**31, 2**63, 2**64, 10**400],
    [True, False],
    [[[[]]]],
)


@pytest.fixture
def process(environment: dict[str, str]) -> Iterator[None]:
    with own_process(environment):
        yield


@pytest.fixture
def broker(process: None) -> Iterator[Redis]:  # noqa: ARG001 (the app reads its settings there)
    client = Redis.from_url(celery.app.conf.broker_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


def published(broker: Redis, queue: str) -> list[dict[str, Any]]:
    """Return what lies in a queue, in the order of leaving."""
    entries: Any = broker.lrange(queue, 0, -1)
    return [json.loads(entry) for entry in reversed(entries)]


def rows(message: dict[str, Any]) -> Any:  # noqa: ANN401 (whatever was published)
    return json.loads(base64.b64decode(message["body"]))[0]


def wakeups(count: int, task: str = "inbound.ingest", channel: str = "email", delay: float = 0.0) -> list[Wakeup]:
    return [Wakeup(task=task, channel=channel, row_id=number, delay=delay) for number in range(1, count + 1)]


# What the app is told once


@pytest.mark.usefixtures("process")
def test_every_channel_has_a_queue_in_each_direction_and_housekeeping_has_one() -> None:
    wanted = {f"{way}.{name}" for way in ("inbound", "outbound") for name in registry.NAMES} | {HOUSEKEEPING}
    assert {queue.name for queue in celery.app.conf.task_queues} == wanted == set(QUEUES)
    assert not celery.app.conf.task_create_missing_queues


@pytest.mark.usefixtures("process")
def test_every_queue_has_an_exchange_and_a_routing_key_of_its_own() -> None:
    for queue in celery.app.conf.task_queues:
        assert (queue.exchange.name, queue.exchange.type, queue.routing_key) == (queue.name, "direct", queue.name)


@pytest.mark.usefixtures("process")
def test_nothing_but_json_is_taken_and_no_result_is_kept() -> None:
    assert (list(celery.app.conf.accept_content), celery.app.conf.task_serializer) == (["json"], "json")
    assert (celery.app.conf.task_ignore_result, celery.app.conf.result_backend) == (True, None)


@pytest.mark.usefixtures("process")
def test_a_task_is_acknowledged_when_it_is_done_and_one_is_taken_at_a_time() -> None:
    assert (celery.app.conf.task_acks_late, celery.app.conf.task_reject_on_worker_lost) == (True, True)
    assert celery.app.conf.worker_prefetch_multiplier == 1
    assert celery.app.conf.worker_soft_shutdown_timeout > 0
    assert celery.app.conf.worker_enable_soft_shutdown_on_idle


@pytest.mark.usefixtures("process")
def test_a_lost_task_comes_back_only_after_any_task_would_be_done() -> None:
    options = celery.app.conf.broker_transport_options
    assert options["visibility_timeout"] == VISIBILITY_TIMEOUT > STATEMENT_TIMEOUT.total_seconds()
    assert options["unacked_restore_interval"] < 100


@pytest.mark.usefixtures("process")
def test_there_are_six_tasks_with_names_that_no_module_decides() -> None:
    ours = {name for name in celery.app.tasks if not name.startswith("celery.")}
    assert ours == {
        *("inbound.ingest", "outbound.deliver"),
        *("housekeeping.sweep", "housekeeping.reconcile", "housekeeping.digest", "housekeeping.remind"),
    }
    assert (inbound.ingest.name, outbound.deliver.name) == ("inbound.ingest", "outbound.deliver")
    assert housekeeping.sweep.name == "housekeeping.sweep"


@pytest.mark.usefixtures("process")
def test_beat_only_keeps_house_and_what_nobody_took_does_not_pile_up() -> None:
    entries = celery.app.conf.beat_schedule
    assert {name: entry["task"] for name, entry in entries.items()} == {
        "sweep": "housekeeping.sweep",
        "reconcile": "housekeeping.reconcile",
        "digest": "housekeeping.digest",
        "remind": "housekeeping.remind",
    }
    for entry in entries.values():
        assert entry["options"]["queue"] == HOUSEKEEPING
        assert entry["schedule"] <= entry["options"]["expires"] <= 120


# Publishing


@pytest.mark.parametrize("name", registry.NAMES)
def test_a_wakeup_goes_to_the_queue_of_its_channel(name: str) -> None:
    assert queue_of(Wakeup(task="inbound.ingest", channel=name, row_id=1)) == f"inbound.{name}"
    assert queue_of(Wakeup(task="outbound.deliver", channel=name, row_id=1)) == f"outbound.{name}"


def test_rows_of_one_queue_go_together_but_never_too_many(broker: Redis) -> None:
    publish(wakeups(2 * ROWS_A_TASK + 1))
    sizes = [len(rows(message)[0]) for message in published(broker, "inbound.email")]
    assert sizes == [ROWS_A_TASK, ROWS_A_TASK, 1]


def test_each_channel_direction_and_delay_goes_by_itself(broker: Redis) -> None:
    publish([*wakeups(2), *wakeups(1, channel="sms"), *wakeups(1, "outbound.deliver", "slack"), *wakeups(1, delay=5.0)])
    assert [rows(each) for each in published(broker, "inbound.email")] == [[[1, 2]], [[1]]]
    assert [each["headers"]["eta"] is not None for each in published(broker, "inbound.email")] == [False, True]
    assert len(published(broker, "inbound.sms")) == len(published(broker, "outbound.slack")) == 1


def test_a_task_carries_numbers_and_nothing_of_what_was_written(broker: Redis) -> None:
    publish(wakeups(1))
    (message,) = published(broker, "inbound.email")
    assert rows(message) == [[1]]
    assert message["headers"]["argsrepr"] == "[[1]]"
    assert message["headers"]["kwargsrepr"] == "{}"


def test_with_the_broker_away_publishing_gives_up_at_once_and_says_how_many(environment: dict[str, str]) -> None:
    script = (
        "import time; from workers.app import publish; from workers.db import Wakeup; started = time.monotonic()\n"
        "publish([Wakeup(task='inbound.ingest', channel='email', row_id=1)])\n"
        "print(time.monotonic() - started)"
    )
    away = {**os.environ, **environment, "REDIS_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run([sys.executable, "-c", script], env=away, capture_output=True, text=True, check=True)
    assert "wakeups_lost" in done.stdout
    assert float(done.stdout.split()[-1]) < 3


# What somebody else published


@pytest.mark.usefixtures("process")
@pytest.mark.parametrize("crafted", CRAFTED, ids=lambda value: repr(value)[:30])
def test_a_crafted_argument_is_no_row_and_does_no_harm(desk: Desk, crafted: Any) -> None:  # noqa: ANN401 (anything at all)
    desk.mail()
    inbound.ingest(crafted)
    outbound.deliver(crafted)
    desk.work()
    assert len(desk.tickets()) == 1


def envelope(queue: str, body: bytes, **changes: Any) -> bytes:  # noqa: ANN401 (anything at all)
    """Return a message as kombu lays it into Redis."""
    message = {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": "inbound.ingest", "id": str(uuid.uuid4()), "ignore_result": True},
        "properties": {
            "delivery_mode": 2,
            "delivery_tag": str(uuid.uuid4()),
            "body_encoding": "base64",
            "delivery_info": {"exchange": queue, "routing_key": queue},
        },
    }
    return json.dumps(message | changes).encode()


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch bomb",))


def crafted_messages(queue: str) -> list[bytes]:
    def args(*given: Any) -> bytes:  # noqa: ANN401 (anything at all)
        return json.dumps([list(given), {}, {}]).encode()

    good = args([1])
    unknown = {"lang": "py", "task": "os.system", "id": "1"}
    return [
        envelope(queue, pickle.dumps(Bomb()), **{"content-type": "application/x-python-serialize"}),
        envelope(queue, b"!!python/object/apply:os.system ['touch bomb']", **{"content-type": "application/x-yaml"}),
        envelope(queue, pickle.dumps(Bomb())),
        envelope(queue, b"{"),
        envelope(queue, good, headers=unknown),
        envelope(queue, good, headers={}),
        envelope(queue, json.dumps([[], {"strange": 1}, {}]).encode()),
        *(envelope(queue, args(each)) for each in CRAFTED),
    ]


@pytest.fixture
def worker(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "workers", "worker", "--queues", "inbound.email", "--concurrency", "1"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=tmp_path, stderr=log)
        yield process
        process.terminate()
        process.wait(30)


def test_a_worker_outlives_every_crafted_message_and_does_its_work(
    broker: Redis, desk: Desk, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    for message in crafted_messages("inbound.email"):
        broker.lpush("inbound.email", message)
    desk.mail()
    publish(wakeups(1))
    wait_for(lambda: desk.count("tickets") == 1 and broker.llen("inbound.email") == 0, "ticket, and all else read", 60)
    assert worker.poll() is None
    assert not (tmp_path / "bomb").exists()
