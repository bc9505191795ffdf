"""Troubles a provider can have, planned by control calls and used up call by call."""

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Protocol

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.ledger import Calls
from sandbox.wire import BadRequest, Json

API_KINDS = (
    "429",
    "5xx_before",
    "5xx_after",
    "silence_before",
    "silence_after",
    "reset_before",
    "reset_after",
    "malformed_after",
    "slow",
)
KINDS = {
    "slack": (*API_KINDS, "fatal_error_after"),
    "twilio": API_KINDS,
    "mailbox": ("reset_after_data", "silence_after_data"),
    "webhooks": ("lost",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One trouble: which calls it meets, how often, and what they see.

    `method` is the provider's own name for the call (`chat.postMessage`, `POST Messages`, `DATA`) or `*`. The first
    `skip` calls pass, then `times` calls fail; a `chance` below 1 lets the others through unharmed. With `lasting`, all
    calls within so many seconds of the first fail, and a `429` names what is left of them. `place` is the Slack channel
    of the calls it meets, any when empty. `retry_after` goes with `429`, `seconds` with `slow`, `status` with the `5xx`
    kinds.
    """

    service: str
    kind: str
    method: str = "*"
    times: int = 1
    skip: int = 0
    chance: float = 1.0
    retry_after: int = 1
    seconds: float = 1.0
    status: int = 500
    place: str = ""
    lasting: float = 0.0

    def meets(self, service: str, method: str, place: str) -> bool:
        """Say whether a call is one of those this fault waits for."""
        here = self.place in {"", place}
        return self.times > 0 and self.service == service and self.method in {"*", method} and here


class Faults:
    """The faults still to come, in the order they were planned."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._planned: list[Fault] = []
        self._ends: dict[Fault, float] = {}
        self._chance = random.Random(0)  # noqa: S311  the same faults in every run; nothing is guarded by it

    def plan(self, given: Json) -> Fault:
        """Add a fault. Raises `BadRequest` for one the service cannot have."""
        try:
            fault = Fault(**given)
        except TypeError as error:
            raise BadRequest(f"a fault has {', '.join(each.name for each in fields(Fault))}") from error
        if fault.kind not in KINDS.get(fault.service, ()):
            raise BadRequest(f"{fault.service} has no fault {fault.kind}; there are {KINDS}")
        self._planned.append(fault)
        return fault

    def clear(self) -> None:
        """Forget what was planned, and start the dice afresh."""
        self._planned.clear()
        self._ends.clear()
        self._chance.seed(0)

    def as_json(self) -> list[Json]:
        """Return what is still planned."""
        return [asdict(fault) for fault in self._planned]

    def take(self, service: str, method: str, place: str = "") -> Fault | None:
        """Return the fault this call meets, and use it up."""
        self._calls.called(service, method)
        self._planned = [one for one in self._planned if self._left(one) > 0]
        for at, fault in enumerate(self._planned):
            if fault.meets(service, method, place) and self._chance.random() < fault.chance:
                return self._use(at, fault, method)
        return None

    def _use(self, at: int, fault: Fault, method: str) -> Fault | None:
        if fault.skip:
            self._planned[at] = replace(fault, skip=fault.skip - 1)
            return None
        self._calls.failed(fault.service, method, fault.kind)
        if fault.lasting:
            self._ends.setdefault(fault, time.monotonic() + fault.lasting)
            return replace(fault, retry_after=math.ceil(self._left(fault)))
        self._planned[at] = replace(fault, times=fault.times - 1)
        self._planned = [one for one in self._planned if one.times > 0]
        return fault

    def _left(self, fault: Fault) -> float:
        """Return how many seconds a fault lasts yet."""
        return self._ends[fault] - time.monotonic() if fault in self._ends else math.inf


class Trouble(Protocol):
    """How one provider words its troubles."""

    success: int

    def too_many(self, retry_after: int) -> Response:
        """Answer a call that came too soon."""

    def broken(self, status: int) -> Response:
        """Answer when something inside went wrong."""


class Silence(Response):
    """No answer at all, until the caller gives up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's own signature
        """Wait for the caller to go."""
        await _until_gone(receive)


class Reset(Response):
    """A broken connection instead of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's own signature
        """Break the connection off."""
        scope["state"]["connection"].reset()
        await _until_gone(receive)


async def answer(fault: Fault | None, act: Callable[[], Response], trouble: Trouble) -> Response:
    """Do what was asked, or show the fault; what ends in `_after` happens although the caller never learns of it.

    A slow call acts at the end of its wait, even when the caller is gone by then: absence before that proves nothing.
    """
    if fault is None:
        return act()
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return act()
    if fault.kind.endswith("_after"):
        act()
    return _instead(fault, trouble)


def _instead(fault: Fault, trouble: Trouble) -> Response:
    match fault.kind.removesuffix("_after").removesuffix("_before"):
        case "429":
            return trouble.too_many(fault.retry_after)
        case "5xx":
            return trouble.broken(fault.status)
        case "silence":
            return Silence()
        case "reset":
            return Reset()
        case "malformed":
            return Response('{"ok": tr', status_code=trouble.success, media_type="application/json")
        case _:
            return JSONResponse({"ok": False, "error": "fatal_error"})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
