"""Connections that can break off without a byte of answer, for HTTP and for SMTP."""

import asyncio
import socket
import struct
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

# With a linger time of zero the kernel sends RST instead of a polite FIN.
NO_LINGER = struct.pack("ii", 1, 0)


class ResettableConnection(H11Protocol):
    """An HTTP connection of uvicorn that hands itself to the application as `scope["state"]["connection"]`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)

    def reset(self) -> None:
        """Break the connection off."""
        break_off(self.transport)


def break_off(transport: asyncio.BaseTransport) -> None:
    """Close a TCP connection so that the peer sees a reset."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
