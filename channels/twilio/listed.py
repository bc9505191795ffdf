"""A message of Twilio's list, as the form in which a call would have brought it. Pure."""

import json
from datetime import datetime

from channels.errors import Malformed
from channels.twilio.form import Form

_NAMES = {
    "sid": "MessageSid",
    "from": "From",
    "to": "To",
    "body": "Body",
    "messaging_service_sid": "MessagingServiceSid",
}
_MOST_MEDIA = 10


def event_form(payload: bytes) -> Form:
    """Translate the API's names into those of a call. Raises `Malformed`."""
    resource = _resource(payload)
    pairs = [(name, value) for key, name in _NAMES.items() if isinstance(value := resource.get(key), str)]
    listed = resource.get("media_list")
    media = [each for each in listed if isinstance(each, dict)][:_MOST_MEDIA] if isinstance(listed, list) else []
    for number, each in enumerate(media):
        pairs += [(f"MediaUrl{number}", str(each.get("url") or ""))]
        pairs += [(f"MediaContentType{number}", str(each.get("content_type") or ""))]
    return Form((*pairs, ("NumMedia", str(len(media)))))


def received_at(payload: bytes) -> datetime | None:
    """Return when Twilio had the message. Raises `Malformed`."""
    try:
        moment = datetime.fromisoformat(str(_resource(payload).get("date_sent")))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _resource(payload: bytes) -> dict[str, object]:
    try:
        resource = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Malformed("The listed message is no JSON.") from error
    if not isinstance(resource, dict):
        raise Malformed("The listed message is no object.")
    return resource
