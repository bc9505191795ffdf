"""What is done every so often, whatever else happens: two at once do no harm.

`housekeeping.sweep` wakes every row that is due and that no worker holds: nothing depends on a task arriving. Then it
looks at new clients, whether we know them by another name.
`housekeeping.remind` tells agents of clients who soon cannot be answered freely.
`housekeeping.reconcile` asks Slack and Twilio what was said while their calls did not get through.
`housekeeping.digest` tells agents on weekdays what waits.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from sqlalchemy.orm import Session

from channels import registry
from models.base import now, try_lock
from models.delivery_claims import due_deliveries
from models.inbound_events import due_events
from workers.app import app, publish
from workers.db import Wakeup, enqueue
from workers.desk.digests import Digests, DigestTime
from workers.desk.newcomers import Newcomers
from workers.desk.reconciling import Reconciler
from workers.inbox import Inbox
from workers.logs import get_logger
from workers.runtime import Runtime, runtime

log = get_logger()

# A row's own wake-up is given this long before it is taken for lost.
GRACE = timedelta(seconds=2)
ROWS_A_SWEEP = 500  # of one channel


@app.task(name="housekeeping.sweep")
def sweep() -> None:
    """Sweep once."""
    sweep_once(runtime())
    Newcomers(tools=runtime()).look()


@app.task(name="housekeeping.remind")
def remind() -> None:
    """Remind agents once of clients who wait in windows that end."""
    remind_once(runtime())


@app.task(name="housekeeping.reconcile")
def reconcile() -> None:
    """Look once for what was missed."""
    _reconciler().run()


@app.task(name="housekeeping.digest")
def digest() -> None:
    """Post the digests that are due."""
    tools = runtime()
    at, zone = tools.settings.digest_at, tools.settings.digest_zone
    due = DigestTime(at=at, zone=zone) if at else None
    environment = tools.settings.environment
    Digests(database=tools.database, desk=tools.agents_desk, time=due, environment=environment).run(now())


@cache
def _reconciler() -> Reconciler:
    tools = runtime()
    return Reconciler(tools=tools, inbox=Inbox(tools.database, publish))


def sweep_once(tools: Runtime) -> int:
    """Wake what is due and return how many rows that was; two sweeps at once do the work of one."""
    with tools.database.session_scope() as session:
        if not try_lock(session, "frontdesk.sweep"):
            return 0
        # Each by itself, lest one whose workers are down keep the others asleep.
        swept = sum(_sweep_channel(session, channel) for channel in registry.NAMES)
    if swept:
        log.info("rows_swept", count=swept)
    return swept


def _sweep_channel(session: Session, channel: str) -> int:
    events = due_events(session, older_than=GRACE, limit=ROWS_A_SWEEP, channel=channel)
    sends = due_deliveries(session, older_than=GRACE, limit=ROWS_A_SWEEP, channel=channel)
    _wake(session, "inbound.ingest", events)
    _wake(session, "outbound.deliver", sends)
    return len(events) + len(sends)


def remind_once(tools: Runtime) -> int:
    """Remind agents of windows that end and return of how many; two at once do the work of one."""
    with tools.database.session_scope() as session:
        return tools.windows.remind(session) if try_lock(session, "frontdesk.remind") else 0


def _wake(session: Session, task: str, rows: Sequence[tuple[int, str]]) -> None:
    for row_id, channel in rows:
        enqueue(session, Wakeup(task=task, channel=channel, row_id=row_id))
