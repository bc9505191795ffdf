"""What the account owns: numbers, Messaging Services and WhatsApp senders, each with the addresses that Twilio calls.

Any number somebody asks for is the account's own; services and senders are made by control calls.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.twilio.errors import TwilioError
from sandbox.twilio.messages import API, new_sid
from sandbox.wire import Json, json_object, pairs

ACCOUNT = f"/twilio/{API}/Accounts/{{account}}"
SERVICES = "/twilio/v1/Services"
SENDERS = "/twilio/v2/Channels/Senders"
# What Twilio sets on a number that was just bought.
FRESH = {"sms_url": "https://demo.twilio.com/welcome/sms/reply", "sms_method": "POST", "sms_fallback_method": "POST"}

Answer = Callable[[Request, str, Callable[[], Response]], Awaitable[Response]]


class Directory:
    """The account's belongings by their SIDs."""

    def __init__(self) -> None:
        self._numbers: dict[str, Json] = {}
        self._services: dict[str, Json] = {}
        self._senders: dict[str, Json] = {}
        self._members: dict[str, tuple[list[str], list[str]]] = {}

    def number(self, number: str) -> Json:
        """Return a number, which is the account's from now on."""
        found = next((each for each in self._numbers.values() if each["phone_number"] == number), None)
        return found or _kept(self._numbers, {"sid": new_sid("PN"), "phone_number": number, **FRESH})

    def add_service(self, numbers: list[str], senders: list[str]) -> Json:
        """Make a Messaging Service of these numbers and WhatsApp senders."""
        made = _kept(self._services, {"sid": new_sid("MG"), "friendly_name": "Desk", "inbound_method": "POST"})
        made |= {"use_inbound_webhook_on_number": False}
        self._members[made["sid"]] = (numbers, senders)
        return made

    def add_sender(self, number: str) -> Json:
        """Make a WhatsApp sender of a number."""
        return _kept(
            self._senders, {"sid": new_sid("XE"), "sender_id": f"whatsapp:{number}", "status": "ONLINE", "webhook": {}}
        )

    def routes(self, answer: Answer) -> list[Route]:
        """Return the addresses of the account's belongings; `answer` asks for the credentials first."""
        lists = {
            f"{ACCOUNT}/IncomingPhoneNumbers.json": self._list_numbers,
            SERVICES: lambda _: _page("services", self._services.values()),
            f"{SERVICES}/{{sid}}/PhoneNumbers": lambda asked: self._list_members(asked, "phone_number", 0),
            f"{SERVICES}/{{sid}}/ChannelSenders": lambda asked: self._list_members(asked, "sender", 1),
            f"{SERVICES}/{{sid}}/ShortCodes": lambda _: _page("short_codes", ()),
            SENDERS: lambda _: _page("senders", self._senders.values()),
        }
        changes = {
            f"{ACCOUNT}/IncomingPhoneNumbers/{{sid}}.json": (self._numbers, _form),
            f"{SERVICES}/{{sid}}": (self._services, _form),
            f"{SENDERS}/{{sid}}": (self._senders, _webhook),
        }
        return [
            *(Route(path, _listing(answer, act)) for path, act in lists.items()),
            *(Route(path, _changing(answer, *what), methods=["POST"]) for path, what in changes.items()),
        ]

    def _list_numbers(self, request: Request) -> Json:
        asked = request.query_params.get("PhoneNumber")
        found = [self.number(asked)] if asked else list(self._numbers.values())
        return {"incoming_phone_numbers": found, "page": 0, "next_page_uri": None}

    def _list_members(self, request: Request, name: str, place: int) -> Json:
        members = self._members.get(request.path_params["sid"], ([], []))[place]
        return _page(f"{name}s", ({"sid": new_sid("PN"), name: each} for each in members))


def _kept(shelf: dict[str, Json], thing: Json) -> Json:
    shelf[thing["sid"]] = thing
    return thing


def _page(key: str, things: Iterable[Json]) -> Json:
    return {key: list(things), "meta": {"key": key, "page": 0, "page_size": 50, "next_page_url": None}}


def _listing(answer: Answer, act: Callable[[Request], Json]) -> Callable[[Request], Awaitable[Response]]:
    async def listed(request: Request) -> Response:
        return await answer(request, "GET settings", lambda: JSONResponse(act(request)))

    return listed


def _changing(
    answer: Answer, shelf: dict[str, Json], read: Callable[[bytes], Json]
) -> Callable[[Request], Awaitable[Response]]:
    async def changed(request: Request) -> Response:
        values = read(await request.body())
        return await answer(request, "POST settings", lambda: JSONResponse(_change(shelf, request.path_params, values)))

    return changed


def _change(shelf: dict[str, Json], path: Mapping[str, str], values: Json) -> Json:
    if path["sid"] not in shelf:
        raise TwilioError(404, 20404, f"The requested resource {path['sid']} was not found")
    shelf[path["sid"]] |= values
    return shelf[path["sid"]]


def _form(body: bytes) -> Json:
    """Read a form; what is `SmsUrl` there is `sms_url` in answers."""
    named = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): value for name, value in pairs(body)}
    return {name: value == "true" if value in {"true", "false"} else value for name, value in named.items()}


def _webhook(body: bytes) -> Json:
    return {"webhook": json_object(body).get("webhook") or {}}
