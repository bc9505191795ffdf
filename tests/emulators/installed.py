"""The emulators' package, which comes from npm and may not be here."""

import json
import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parent.parent / ".emulate_cache/node_modules/emulate"


def start_command() -> list[str]:
    """Return the command that starts emulators, of the version that is written down; without it, skip the caller.

    Called while a test module is collected, it skips the whole module, and those of all modules are told in one line.
    """
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]["emulate"]
    about = PACKAGE / "package.json"
    found = json.loads(about.read_text()) if about.exists() else {}
    node = shutil.which("node")
    if node is None or found.get("version") != wanted:
        pytest.skip(f"needs node and, from npm, emulate {wanted}: see `make emulators`", allow_module_level=True)
    return [node, str(HERE / "start.mjs"), str(PACKAGE / found["main"])]
