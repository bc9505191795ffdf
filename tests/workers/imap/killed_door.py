"""`frontdesk imap` in a process that kills itself at a point of its work: `killed_door fetched 7`.

The points are where the source is asked: `fetched`, a mail has come and is not stored; `committed`, it is stored and
not flagged; `flagged`, the cursor has not moved behind it.
"""

import os
import signal
import sys
from collections.abc import Callable

from channels.email.imap_account import Account
from channels.email.imap_source import Source
from workers.doors.imap import serve
from workers.logs import configure_logs
from workers.runtime import build
from workers.settings import from_environment, read_environment


class Killing(Source):
    """A mailbox whose reader dies."""

    point, left = sys.argv[1], int(sys.argv[2])

    def fetch(self, uid: int) -> bytes | None:
        content = super().fetch(uid)
        self._at("fetched")
        return content

    def finish(self, uid: int) -> None:
        self._at("committed")
        super().finish(uid)
        self._at("flagged")

    def _at(self, point: str) -> None:
        if point != self.point:
            return
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def connect(account: Account, secret: str, stopping: Callable[[], bool]) -> Source:
    return Killing(account, secret, stopping)


if __name__ == "__main__":
    configure_logs(read_environment())
    serve(build(from_environment(read_environment())), connect=connect)
