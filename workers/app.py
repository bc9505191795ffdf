"""The Celery app: queues, and how wake-ups are published.

PostgreSQL is the queue of record; tasks only wake workers for rows.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from channels import registry
from workers.db import Wakeup
from workers.logs import get_logger
from workers.settings import Settings, settings

log = get_logger()

HOUSEKEEPING = "housekeeping"
QUEUES = (
    *(f"{direction}.{name}" for direction in ("inbound", "outbound") for name in registry.NAMES),
    HOUSEKEEPING,
)

# How long a message that a worker took and never acknowledged stays with it. Longer than any task: a wake-up that comes
# again is harmless, and the sweeper is quicker.
VISIBILITY_TIMEOUT = 600

# In KiB. A child that a large mail has left larger than this is replaced once it is idle.
LARGEST_CHILD = 115_000

# Seconds between looks whether a digest, or a word about a window that ends, is due.
DIGEST_LOOKS = 60.0
REMINDER_LOOKS = 60.0

# Few enough that the rows of a burst spread over the workers.
ROWS_A_TASK = 20


def queue_of(wakeup: Wakeup) -> str:
    """Return the queue of a wake-up, such as `inbound.email`."""
    return f"{wakeup.task.partition('.')[0]}.{wakeup.channel}"


def _configuration() -> dict[str, Any]:
    current = settings()
    return {
        "broker_url": current.broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "max_retries": 0,  # or a publish tries to connect for 6 s; workers keep trying all the same
            "socket_connect_timeout": 2,
            "socket_timeout": 10,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        "imports": ("workers.tasks.inbound", "workers.tasks.outbound", "workers.tasks.housekeeping"),
        "task_queues": [Queue(name, Exchange(name, type="direct"), routing_key=name) for name in QUEUES],
        "task_default_queue": HOUSEKEEPING,
        "task_create_missing_queues": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_publish_retry": False,
        "task_send_sent_event": True,
        "worker_prefetch_multiplier": 1,
        "worker_max_memory_per_child": LARGEST_CHILD,
        "worker_send_task_events": True,
        "worker_soft_shutdown_timeout": 20.0,
        "worker_enable_soft_shutdown_on_idle": True,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "beat_schedule": _beat_schedule(current),
        "timezone": "UTC",
    }


def _beat_schedule(current: Settings) -> dict[str, Any]:
    """Return what housekeeping does every so many seconds. What no worker took meanwhile is forgotten, not piled up."""
    every = {
        "sweep": current.sweep_interval,
        "remind": REMINDER_LOOKS,
        "reconcile": current.reconcile_interval,
        "digest": DIGEST_LOOKS,
    }
    return {
        name: {
            "task": f"{HOUSEKEEPING}.{name}",
            "schedule": seconds,
            "options": {"queue": HOUSEKEEPING, "expires": max(seconds, 5)},
        }
        for name, seconds in every.items()
    }


app = Celery("frontdesk", set_as_current=True)
app.add_defaults(_configuration)


def publish(wakeups: Sequence[Wakeup]) -> None:
    """Wake workers for rows: those of one task, channel and delay go as one message.

    A broker that is away loses wake-ups, not rows: the sweeper wakes what is still due.
    """
    grouped: dict[tuple[str, str, float], list[int]] = defaultdict(list)
    for wakeup in wakeups:
        grouped[wakeup.task, queue_of(wakeup), wakeup.delay].append(wakeup.row_id)
    try:
        for (task, queue, delay), row_ids in grouped.items():
            for start in range(0, len(row_ids), ROWS_A_TASK):
                rows = row_ids[start : start + ROWS_A_TASK]
                app.send_task(task, args=[rows], queue=queue, countdown=delay or None, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("wakeups_lost", count=len(wakeups), error=type(error).__name__)
