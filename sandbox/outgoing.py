"""HTTP calls from the providers to the product, in threads of their own."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import urllib3

from sandbox.settings import Settings

SUCCESS = range(200, 300)
SHOWN = 2000
AT_ONCE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the web door said: its status, or 0 and in `problem` why there was none."""

    status: int
    problem: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def text(self) -> str:
        """Return the beginning of the body, readable."""
        return self.content.decode(errors="replace")[:SHOWN]


class Outgoing:
    """Calls addresses under the public URL through the web door's real one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="outgoing")
        self._http = urllib3.PoolManager(maxsize=AT_ONCE, retries=False)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:  # noqa: ASYNC109
        """Post once. The time-out is the provider's, kept in the thread that waits."""
        return await self._call("POST", url, body, headers, timeout)

    async def get(self, url: str, timeout: float) -> Answer:  # noqa: ASYNC109  kept in the thread that waits
        """Get once."""
        return await self._call("GET", url, b"", {}, timeout)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.clear()

    async def _call(self, method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._request, method, url, body, headers, seconds)

    def _request(self, method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        really = self._settings.through(url)
        timeout = urllib3.Timeout(total=seconds)
        try:
            got = self._http.request(method, really, body=body, headers=headers, timeout=timeout, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            return Answer(status=0, problem=_problem(error))
        problem = "" if got.status in SUCCESS else "http_error"
        return Answer(status=got.status, problem=problem, headers=got.headers, content=got.data)


def _problem(error: urllib3.exceptions.HTTPError) -> str:
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)  # a kind of time-out in urllib3's tree
    late = isinstance(error, urllib3.exceptions.ReadTimeoutError | urllib3.exceptions.ConnectTimeoutError)
    return "http_timeout" if late and not refused else "connection_failed"
