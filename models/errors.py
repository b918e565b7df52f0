"""Errors of the domain: a code for programs and a text that is safe to show.

The text may reach a stranger, so it never holds what they could not know already. `server/errors.py` turns these
into HTML, JSON or an ActivityPub status code; whatever else is worth knowing goes to the log.
"""


class DomainError(Exception):
    """Something the caller asked for cannot be done. `code` is stable, `text` is English and safe to show."""

    status = 400
    code = "invalid"

    def __init__(self, text: str, *, code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        if code is not None:
            self.code = code


class Invalid(DomainError):
    """The input breaks a rule of form or length (HTTP 422)."""

    status = 422
    code = "invalid"


class Unfit(Invalid):
    """Parts of a form are not what they have to be: what is wrong with each, by its name, for the program that sent it."""

    def __init__(self, text: str, details: dict[str, list[dict[str, str]]], *, code: str | None = None) -> None:
        super().__init__(text, code=code)
        self.details = details


class Unauthenticated(DomainError):
    """Nobody is signed in, or the proof of who is asking does not hold (HTTP 401)."""

    status = 401
    code = "unauthenticated"


class Forbidden(DomainError):
    """The asker is known and may not do this (HTTP 403)."""

    status = 403
    code = "forbidden"


class NotFound(DomainError):
    """There is no such thing, or the asker may not know that there is (HTTP 404)."""

    status = 404
    code = "not_found"


class Gone(DomainError):
    """It was public once and is deleted (HTTP 410)."""

    status = 410
    code = "gone"


class Conflict(DomainError):
    """The request is fine, but the state is another (HTTP 409)."""

    status = 409
    code = "conflict"


class Unavailable(DomainError):
    """A passing fault of ours: database locked, disk full (HTTP 503 with Retry-After)."""

    status = 503
    code = "unavailable"

    def __init__(
        self, text: str = "The server is busy. Nothing was lost; try again in a moment.", *, retry_after: int = 30
    ):
        super().__init__(text)
        self.retry_after = retry_after
