"""placeholder"""

import click


@click.command()
def demo() -> None:
    """Play a whole support day against the sandbox and check every step."""
