"""`frontdesk deliveries`: what goes out, what failed, and sending it again."""

import click

from models.deliveries import DeliveryStatus, delivery_by_id, list_deliveries
from models.throttles import Throttle, list_stops
from workers.cli.numbers import RowNumber, limit
from workers.cli.output import age, as_json, show
from workers.runtime import runtime

_NOT_DONE = (
    DeliveryStatus.PENDING,
    DeliveryStatus.SENDING,
    DeliveryStatus.UNCLEAR,
    DeliveryStatus.HELD,
    DeliveryStatus.UNCONFIRMED,
    DeliveryStatus.FAILED,
)


@click.group()
def deliveries() -> None:
    """List sends and try failed ones again."""


@deliveries.command("list")
@click.option("--status", "statuses", multiple=True, type=click.Choice([str(each) for each in DeliveryStatus]))
@limit
@as_json
def list_(*, statuses: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List sends, newest first: those not done, unless --status says otherwise. Then what is stopped, and why."""
    wanted = tuple(DeliveryStatus(each) for each in statuses) or _NOT_DONE
    with runtime().database.session_scope() as session:
        rows = [
            {
                "id": each.id,
                "ticket": each.ticket_id,
                "channel": each.channel,
                "purpose": each.purpose,
                "status": each.status,
                "attempts": each.attempts,
                "code": each.error_code,
                "reason": each.error_text,
                "made": each.created_at,
            }
            for each in list_deliveries(session, wanted, limit)
        ]
        stops = list_stops(session)
    show(rows, as_json=as_json, empty="nothing is waiting or failed")
    for each in stops:
        click.echo(_stopped(each), err=True)


def _stopped(stop: Throttle) -> str:
    since = age(stop.stopped_since or stop.created_at)
    return f"stopped for {since}, tried every 5 minutes: {stop.channel} {stop.key}: {stop.stopped_reason}"


@deliveries.command()
@click.argument("delivery_ids", type=RowNumber("delivery"), nargs=-1, required=True)
def retry(delivery_ids: tuple[int, ...]) -> None:
    """Send again what failed or could not be confirmed. A message that did arrive arrives twice."""
    tools = runtime()
    for delivery_id in delivery_ids:
        with tools.database.session_scope() as session:
            there = delivery_by_id(session, delivery_id) is not None
            again = tools.recorder.actions.send_again(session, delivery_id)
        otherwise = "neither failed nor unconfirmed" if there else "there is none"
        click.echo(f"delivery {delivery_id}: {'will be sent again' if again else otherwise}")
