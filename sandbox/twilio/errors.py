"""Twilio's way to say no."""

from sandbox.wire import Json


class TwilioError(Exception):
    """A refused call: HTTP status, Twilio's own code, and its sentence."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def as_json(self) -> Json:
        """Return the body of the refusal."""
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": self.code, "message": self.message, "more_info": more, "status": self.status}
