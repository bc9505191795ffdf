"""`make demo`, as somebody who has just found us runs it."""

import os
import subprocess
import sys
from pathlib import Path

from workers.cli.play_steps import STEPS


def test_every_step_of_the_demo_holds(folder: Path) -> None:
    demo = folder / "demo"
    ran = subprocess.run(
        [sys.executable, "-m", "workers", "demo", "--folder", str(demo)],
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert f"all {len(STEPS)} steps held" in ran.stdout
