"""The page at `/`, to try everything by hand without an account anywhere."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

PAGE = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'"
)


async def show(_: Request) -> Response:
    """Show the page; it asks the control calls for what it shows and writes all of it as text, never as HTML."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY, "X-Frame-Options": "DENY"})


async def health(_: Request) -> Response:
    """Say that the sandbox is ready."""
    return JSONResponse({"ok": True})


def routes() -> list[Route]:
    """Return the addresses for people and for those who wait."""
    return [Route("/", show), Route("/healthz", health)]
