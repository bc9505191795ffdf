"""Slack's way to say no."""


class SlackError(Exception):
    """An answer `ok: false`; `code` is Slack's own word, `notes` go to `response_metadata.messages`."""

    def __init__(self, code: str, notes: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.notes = notes
