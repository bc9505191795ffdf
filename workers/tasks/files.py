"""The files of one event on their way into the store: decoded or fetched, scanned, put away.

One at a time, so that a mail's files are never all in memory. An infected one is put nowhere: its bytes stay with the
event, or with the provider they were fetched from.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from channels.base import Attachment, InboundMessage, Parsed
from channels.errors import TryLater, Undeliverable
from channels.vcard import TYPES as CONTACTS
from channels.vcard import contacts
from models.attachments import Scan, StoredFile
from models.base import now
from models.inbound_events import ClaimedEvent, extend_lease
from workers.logs import get_logger
from workers.runtime import Runtime
from workers.scanner import ScannerAwayError, ScanResult
from workers.store import StoreAwayError, described

log = get_logger()

# A file that its provider does not give for so long is named in the message, which goes on without it.
FETCH_PATIENCE = timedelta(minutes=1)
LARGEST_FILE = 25 << 20
# What one fetch may take on top of the lease, and what the scans of one event may take together: a mail of two hundred
# files that are slow to scan must not hold a worker for hours.
FETCH_SECONDS = 30.0
SCAN_SECONDS = 300.0


class LeaseLostError(Exception):
    """Somebody else has this event now: what was done is rolled back."""


class EventFiles:
    """Takes in the files of one claimed event, all of which have `seconds_to_scan` together."""

    def __init__(self, tools: Runtime, claimed: ClaimedEvent, seconds_to_scan: float = SCAN_SECONDS) -> None:
        self._tools = tools
        self._claimed = claimed
        self._seconds_to_scan = seconds_to_scan
        self._words: dict[int, list[str]] = {}

    def of(self, parsed: Sequence[Parsed]) -> Mapping[int, Sequence[StoredFile]]:
        """Take in the files of each message, by its index. Raises `TryLater`, and `LeaseLostError`."""
        chats = (index for index, said in enumerate(parsed) if isinstance(said, InboundMessage) and said.direct)
        self._words = {index: [] for index in chats}
        return {
            index: [self._take(attachment, index) for attachment in said.attachments]
            for index, said in enumerate(parsed)
            if isinstance(said, InboundMessage) and said.attachments
        }

    def told(self, parsed: Sequence[Parsed]) -> tuple[Parsed, ...]:
        """Return what was parsed, in chats with what contact cards say: there the card is the message."""
        return tuple(self._told(index, said) for index, said in enumerate(parsed))

    def _told(self, index: int, said: Parsed) -> Parsed:
        words = self._words.get(index)
        if not words or not isinstance(said, InboundMessage):
            return said
        return replace(said, body="\n".join(part for part in (said.body, *words) if part))

    def keep(self, attachment: Attachment, content: bytes) -> StoredFile:
        """Scan a file's bytes and store them, unless they are infected. Raises `TryLater`, and `LeaseLostError`."""
        verdict = self._scanned(content)
        if verdict.scan is Scan.INFECTED:
            log.warning("file_infected", event_id=self._claimed.id)
            digest = hashlib.sha256(content).hexdigest()
            held = described(attachment, size=len(content), sha256=digest)
            return replace(held, scan=verdict.scan, finding=verdict.finding)
        try:
            return replace(self._tools.store.put(attachment, content), scan=verdict.scan)
        except StoreAwayError as error:
            raise TryLater("the attachment store does not answer") from error

    def _take(self, attachment: Attachment, index: int) -> StoredFile:
        """Take one file in; one that cannot be had is named in the message, which is not lost for it."""
        if attachment.url is None:
            return self._kept(attachment, attachment.content(), index)
        self._hold_on(FETCH_SECONDS)
        try:
            content = self._tools.channel(self._claimed.channel).fetch(attachment, LARGEST_FILE)
        except (TryLater, Undeliverable) as error:
            if isinstance(error, TryLater) and now() - self._claimed.tried_since < FETCH_PATIENCE:
                raise
            log.warning("file_not_fetched", event_id=self._claimed.id, reason=str(error))
            return described(attachment)
        return self._kept(attachment, content, index)

    def _kept(self, attachment: Attachment, content: bytes, index: int) -> StoredFile:
        stored = self.keep(attachment, content)
        card = attachment.content_type.partition(";")[0].strip() in CONTACTS
        if card and stored.storage_key and index in self._words:
            self._words[index].extend(contacts(content))
        return stored

    def _scanned(self, content: bytes) -> ScanResult:
        scanner = self._tools.scanner
        if scanner is None:
            return ScanResult()
        self._hold_on(scanner.timeout)
        began = time.monotonic()
        try:
            return scanner.scan(content, self._seconds_to_scan)
        except ScannerAwayError as error:
            log.warning("file_not_scanned", event_id=self._claimed.id, reason=str(error))
            return ScanResult()
        finally:
            self._seconds_to_scan -= time.monotonic() - began

    def _hold_on(self, seconds: float) -> None:
        lease = self._tools.settings.event_lease + timedelta(seconds=seconds)
        with self._tools.database.session_scope() as session:
            if not extend_lease(session, self._claimed, lease):
                raise LeaseLostError
