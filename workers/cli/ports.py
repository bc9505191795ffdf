"""Ports that processes listen on."""

import socket

import click

from workers.settings import SettingsError

PORT = click.IntRange(1, 65_535)


def refuse_taken(host: str, port: int) -> None:
    """Say in one sentence that a process could not listen there, before it has begun. Raises `SettingsError`."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
                tried.bind(address)
    except OSError as error:
        raise SettingsError(f"cannot listen on port {port} of {host}: {error.strerror}; choose with --port") from error
