"""`python -m sandbox`: the other side in one process, until it is stopped."""

import asyncio
import os
import sys
from datetime import UTC, datetime

from sandbox.server import serve
from sandbox.settings import MissingSettings, read_settings


def main() -> int:
    """Run the sandbox and return the exit code: 0 after a stop, 1 if it cannot start, 2 if it was told too little."""
    try:
        asyncio.run(serve(read_settings(sys.argv[1:], os.environ), _tell))
    except MissingSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"the sandbox cannot start: {error}\n")
        return 1
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
