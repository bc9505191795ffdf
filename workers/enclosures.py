"""What channels are told of a message's files when they plan its sends."""

from collections.abc import Sequence

from channels.base import Enclosure
from models.attachments import StoredAttachment


def enclosures(files: Sequence[StoredAttachment]) -> list[Enclosure]:
    """Describe files in their order."""
    return [Enclosure(name=file.name, content_type=file.content_type, size=file.size) for file in files]
