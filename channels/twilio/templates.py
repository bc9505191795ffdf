"""WhatsApp's approved templates, as Twilio's Content API lists them.

See https://www.twilio.com/docs/content/content-api-resources. The caller retries; nothing here does.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twilio.rest import Client

from channels.base import Template, clean_line, clean_text
from channels.errors import TryLater
from channels.twilio.send import FAILURES, send_error

if TYPE_CHECKING:
    from twilio.rest.content.v1.content_and_approvals import ContentAndApprovalsInstance

MOST = 200
_BLANK = re.compile(r"\{\{([A-Za-z0-9_]{1,50})\}\}")


def approved(client: Client) -> tuple[Template, ...]:
    """Return the templates that have a text and WhatsApp's approval. Raises a `SendError`."""
    try:
        listed = client.content.v1.content_and_approvals.list(limit=MOST)
        return tuple(each for content in listed for each in _template(content))
    except FAILURES as error:
        # Asking may be repeated. Without the cause, whose text may hold what the account's owner calls private.
        raise TryLater(str(send_error(error))) from None


def _template(content: "ContentAndApprovalsInstance") -> Iterator[Template]:
    body = _body(content.types or {})
    if (content.approval_requests or {}).get("status") == "approved" and body and content.sid:
        yield Template(
            id=content.sid,
            name=clean_line(content.friendly_name or content.sid, 100),
            language=clean_line(content.language or "", 20),
            body=body,
            blanks=tuple(dict.fromkeys(_BLANK.findall(body))),
        )


def _body(types: dict[str, object]) -> str:
    """Return the text of whatever kind of content it is: each keeps its own under `body`."""
    bodies = (kind.get("body") for kind in types.values() if isinstance(kind, dict))
    return next((clean_text(body) for body in bodies if isinstance(body, str) and body.strip()), "")
