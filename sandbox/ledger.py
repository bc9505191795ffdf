"""What happened at the providers, as they would swear to it: effects once each, and apart from them the bare calls."""

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.wire import Json, now

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing the product brought about: a post, a text, a mail."""

    id: int
    at: datetime
    service: str
    kind: str
    details: Mapping[str, object]

    def as_json(self) -> Json:
        """Return the entry as it is listed and written to the file."""
        head = {"id": self.id, "at": self.at.isoformat(), "service": self.service, "kind": self.kind}
        return {**self.details, **head}


class Ledger:
    """Append-only list of effects, in memory and, if a path is given, in a file."""

    def __init__(self, path: Path | None, tell: Tell) -> None:
        self._effects: list[Effect] = []
        self._tell = tell
        # Appending in one write keeps every line whole, even when this process is killed.
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if path else None

    def add(self, service: str, kind: str, details: Mapping[str, object]) -> Effect:
        """Record one effect, at the moment it happens."""
        effect = Effect(id=len(self._effects) + 1, at=now(), service=service, kind=kind, details=details)
        self._effects.append(effect)
        if self._file is not None:
            os.write(self._file, json.dumps(effect.as_json()).encode() + b"\n")
        self._tell(f"{service}: {kind} {_where(details)}".rstrip())
        return effect

    def entries(self, *, service: str = "", kind: str = "", after: int = 0) -> list[Json]:
        """Return the effects that fit, oldest first; `after` is the id of the last one already seen."""
        return [
            effect.as_json()
            for effect in self._effects[after:]
            if service in {"", effect.service} and kind in {"", effect.kind}
        ]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Calls:
    """How often each method was called and each fault was shown, whatever came of it."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._faults: Counter[tuple[str, str, str]] = Counter()

    def called(self, service: str, method: str) -> None:
        """Count a call."""
        self._calls[service, method] += 1

    def failed(self, service: str, method: str, kind: str) -> None:
        """Count a call that met a fault."""
        self._faults[service, method, kind] += 1

    def as_json(self) -> Json:
        """Return both counts, nested by service, method and fault."""
        calls: Json = {}
        for (service, method), count in self._calls.items():
            calls.setdefault(service, {})[method] = count
        faults: Json = {}
        for (service, method, kind), count in self._faults.items():
            faults.setdefault(service, {}).setdefault(method, {})[kind] = count
        return {"calls": calls, "faults": faults}


def _where(details: Mapping[str, object]) -> str:
    place = details.get("channel") or details.get("to") or ""
    shown = ", ".join(str(one) for one in place) if isinstance(place, list) else str(place)
    words = [f"in {shown}" if details.get("channel") else f"to {shown}"] if shown else []
    if details.get("thread_ts"):
        words.append(f"(thread {details['thread_ts']})")
    return " ".join(words)
