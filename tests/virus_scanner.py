"""A virus scanner of the tests' own: a real program that keeps ClamAV's convention and knows one virus."""

import json
import shlex
import sys
from pathlib import Path

# What every scanner takes for a virus and is none, in pieces: whole, this file would be one for whoever scans it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"

_PROGRAM = """
import json, pathlib, sys, time
here, content = pathlib.Path(__file__).parent, sys.stdin.buffer.read()
with (here / "asked").open("a") as log:
    print(json.dumps([sys.argv[1:], content.hex()]), file=log)
while (here / "slow").exists():
    time.sleep(0.01)
if (here / "away").exists():
    sys.exit(2)
if bytes.fromhex("{eicar}") in content and not (here / "false alarm").exists():
    sys.exit(print("stream: Test.Eicar FOUND") or 1)
print("stream: OK")
"""


class VirusScanner:
    """The program in a folder of its own, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        (folder / "scanner.py").write_text(_PROGRAM.format(eicar=EICAR.hex()))

    @property
    def command(self) -> str:
        return shlex.join([sys.executable, str(self._folder / "scanner.py"), "--no-summary", "-"])

    @property
    def asked(self) -> list[bytes]:
        """Return the contents it was given, and hold that nothing of them stood in its arguments."""
        log = self._folder / "asked"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        assert all(arguments == ["--no-summary", "-"] for arguments, _ in lines)
        return [bytes.fromhex(content) for _, content in lines]

    def go_away(self) -> None:
        """End with 2 from now on, as clamdscan does without clamd."""
        (self._folder / "away").touch()

    def be_slow(self) -> None:
        """Answer nobody."""
        (self._folder / "slow").touch()

    def be_quick(self) -> None:
        """Answer again, also those who wait."""
        (self._folder / "slow").unlink()

    def learn(self) -> None:
        """Take what it found for a false alarm from now on."""
        (self._folder / "false alarm").touch()
