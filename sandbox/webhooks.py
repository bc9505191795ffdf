"""Calls the providers make to the product: in order per lane, retried as each provider does, with the answers kept."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sandbox.faults import Faults
from sandbox.ledger import Tell
from sandbox.outgoing import SUCCESS, Answer, Outgoing
from sandbox.settings import Settings
from sandbox.wire import BadRequest, Json, now

FETCH_WITHIN = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One call to make.

    `name` is the path after `/webhooks/`, `headers` signs anew at every attempt, `delays` are the pauses before
    retries, `then` learns of a success. `instead` is another way to the product than a call.
    """

    name: str
    lane: str
    url: str
    body: bytes
    headers: Callable[[], Mapping[str, str]]
    timeout: float
    delays: tuple[float, ...] = ()
    then: Callable[[Answer], None] | None = None
    instead: Callable[[], Awaitable[Answer]] | None = None


class Webhooks:
    """Posts webhooks one after another within a lane, side by side across lanes."""

    def __init__(self, settings: Settings, faults: Faults, tell: Tell) -> None:
        self._outgoing = Outgoing(settings)
        self._faults = faults
        self._tell = tell
        self._made: list[Webhook] = []
        self._records: list[Json] = []
        self._tails: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def queue(self, webhook: Webhook) -> int:
        """Take a call to be made soon, and return the id under which its answer is listed."""
        self._made.append(webhook)
        record: Json = {"id": len(self._made), "name": webhook.name, "url": webhook.url, "lane": webhook.lane}
        record |= {"body": webhook.body.decode(errors="replace"), "attempts": [], "done": False}
        self._records.append(record)
        if self._faults.take("webhooks", webhook.name):
            record |= {"done": True, "lost": True}
            return len(self._made)
        self._append_to_lane(webhook, record)
        return len(self._made)

    def repeat(self, number: int) -> int:
        """Make a call again as if the provider had: same bytes, signed for this moment. Raises `BadRequest`."""
        if not 0 < number <= len(self._made):
            raise BadRequest(f"there is no webhook {number}")
        return self.queue(replace(self._made[number - 1], then=None))

    def entries(self, *, name: str = "", after: int = 0) -> list[Json]:
        """Return what was called and what the web door answered, oldest first."""
        return [record for record in self._records[after:] if name in {"", record["name"]}]

    def fetch(self, urls: Sequence[str], then: Callable[[list[Answer]], None]) -> None:
        """Get what stands at these addresses, all of them before `then` is told."""
        self._start(self._fetch(urls, then))

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something of a provider's own after a pause; forgotten at the end of the process."""
        self._start(self._after(seconds, act))

    async def close(self) -> None:
        """Drop what is still waiting."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._outgoing.close()

    def _append_to_lane(self, webhook: Webhook, record: Json) -> None:
        tail = self._start(self._in_turn(self._tails.get(webhook.lane), webhook, record))
        self._tails[webhook.lane] = tail
        tail.add_done_callback(lambda done: self._forget_lane(webhook.lane, done))

    def _forget_lane(self, lane: str, done: asyncio.Task[None]) -> None:
        if self._tails.get(lane) is done:
            del self._tails[lane]

    async def _fetch(self, urls: Sequence[str], then: Callable[[list[Answer]], None]) -> None:
        then(await asyncio.gather(*(self._outgoing.get(url, FETCH_WITHIN) for url in urls)))

    async def _after(self, seconds: float, act: Callable[[], None]) -> None:
        await asyncio.sleep(seconds)
        act()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _in_turn(self, before: asyncio.Task[None] | None, webhook: Webhook, record: Json) -> None:
        if before is not None:
            await asyncio.wait([before])
        answer = await self._attempt(webhook, record, {})
        delays = webhook.delays
        if delays and delays[0] == 0 and _again(answer):
            answer, delays = await self._attempt(webhook, record, _retry_headers(1, answer)), delays[1:]
        if delays and _again(answer):
            # Later retries leave the lane: Slack goes on with newer events meanwhile.
            self._start(self._retry(webhook, record, answer, delays))
        else:
            record["done"] = True

    async def _retry(self, webhook: Webhook, record: Json, answer: Answer, delays: tuple[float, ...]) -> None:
        for delay in delays:
            await asyncio.sleep(delay)
            answer = await self._attempt(webhook, record, _retry_headers(len(record["attempts"]), answer))
            if not _again(answer):
                break
        record["done"] = True

    async def _attempt(self, webhook: Webhook, record: Json, extra: Mapping[str, str]) -> Answer:
        headers = {**webhook.headers(), **extra}
        begun = now()
        call = webhook.instead or partial(self._outgoing.post, webhook.url, webhook.body, headers, webhook.timeout)
        answer = await call()
        attempt = {"at": begun.isoformat(), "status": answer.status, "problem": answer.problem}
        attempt |= {"seconds": (now() - begun).total_seconds(), "headers": headers, "answer": answer.text}
        record["attempts"].append(attempt)
        self._tell(f"webhook {webhook.name} answered {answer.status or answer.problem}")
        if webhook.then and answer.status in SUCCESS:
            webhook.then(answer)
        return answer


def _again(answer: Answer) -> bool:
    return bool(answer.problem) and answer.headers.get("X-Slack-No-Retry") != "1"


def _retry_headers(number: int, last: Answer) -> dict[str, str]:
    return {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": last.problem}
