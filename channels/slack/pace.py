"""What Slack counts together: https://docs.slack.dev/apis/web-api/rate-limits, read 2026-11.

Posts are counted by channel: one a second, with short bursts. Uploads, updates and reactions are counted by method,
over the whole workspace and by the minute (a hundred, fifty, twenty and more): no channel can keep to that by itself,
so they go at once and wait when Slack says so, each kind apart. A mark that came too soon holds up no post.
"""

from channels.base import bounded
from channels.pace import Act, Pace

POSTS_PER_SECOND = 1.0
# Three tickets that come at the same moment, each with card, text and files, leave without a wait. Slack names no
# number; one that it finds too large costs the wait that it then asks for.
BURST = 10


def pace(act: Act, place: str, per_second: float) -> Pace:
    """Return what a send in this place is counted with."""
    if act is Act.POST:
        return Pace(key=place, per_second=per_second, burst=BURST)
    return Pace(key=bounded(f"{place} {act}"))
