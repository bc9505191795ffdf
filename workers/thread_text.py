"""A message's text in the agents' thread: a few posts, and where it is longer, a file with all of it."""

from channels.base import Attachment, Channel

# More than people write; a thread of a hundred posts is read by nobody, and Slack takes about one post a second.
LONGEST_SHOWN = 12_000
FILE_NAME = "message.txt"
_MORE = f"[This is the beginning of a long message. All of it is in the file {FILE_NAME}, below.]"


def posts(agents: Channel, body: str) -> tuple[str, ...]:
    """Return the posts that show a text, or its beginning; at least one."""
    if len(body) <= LONGEST_SHOWN:
        return agents.split(body)
    return agents.split(f"{body[:LONGEST_SHOWN].rstrip()}…\n\n{_MORE}")


def whole(body: str) -> tuple[Attachment, ...]:
    """Return the file that a text too long for posts is shown as, nothing for any other."""
    if len(body) <= LONGEST_SHOWN:
        return ()
    return (Attachment(name=FILE_NAME, content_type="text/plain", data=body.encode()),)
