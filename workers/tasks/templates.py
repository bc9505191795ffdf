"""Approved templates, as the provider lists them now."""

from datetime import timedelta

from channels.base import Template
from channels.errors import SendError
from models.base import now
from models.templates import keep_templates, listed_at
from workers.logs import get_logger
from workers.runtime import Runtime

log = get_logger()

KEPT = timedelta(minutes=1)


def list_templates(tools: Runtime, channel: str) -> None:
    """Ask which templates are approved, not again within a minute; without an answer those known do."""
    with tools.database.session_scope() as session:
        last = listed_at(session, channel)
    if last is not None and now() - last < KEPT:
        return
    try:
        listed = tools.channel(channel).templates()
    except SendError as error:
        log.warning("templates_not_listed", channel=channel, reason=str(error))
        return
    with tools.database.session_scope() as session:
        keep_templates(session, channel, [_row(each) for each in listed])


def _row(template: Template) -> dict[str, object]:
    return {
        "external_id": template.id,
        "name": template.name,
        "language": template.language,
        "body": template.body,
        "blanks": list(template.blanks),
    }
