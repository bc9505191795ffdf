import os
import subprocess
import sys
from pathlib import Path

import pytest

PROCESSES = ["web", "smtp", "worker"]


@pytest.mark.parametrize("process", PROCESSES)
def test_no_process_starts_with_a_key_that_cannot_sign(
    environment: dict[str, str], tmp_path: Path, process: str
) -> None:
    key = tmp_path / "dkim.pem"
    key.write_text("-----BEGIN NOTHING-----\n")
    dkim = {"DKIM_DOMAIN": "desk.example", "DKIM_SELECTOR": "s1", "DKIM_KEY_FILE": str(key)}
    done = subprocess.run(
        [sys.executable, "-m", "workers", process],
        env={"PATH": os.environ["PATH"], **environment, **dkim},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"frontdesk: DKIM_KEY_FILE {key} holds no private key in PEM, or one with a password\n"
