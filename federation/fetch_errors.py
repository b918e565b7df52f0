"""What can go wrong when we fetch or deliver. Each error knows whether trying again later could help."""


class FetchError(Exception):
    """`code` is stable, for logs, metrics and memory of failures; the text is for the operator, not for strangers."""

    permanent = True

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Refused(FetchError):
    """Our own policy forbids it: no connection was made (address, port, name, scheme, blocked domain)."""


class TooLarge(FetchError):
    """The answer is larger than asked for, as sent or unpacked."""


class BadAnswer(FetchError):
    """The other side answered with something that is of no use: redirects without end, an unknown encoding or type."""


class Unreachable(FetchError):
    """DNS, network, TLS, or out of time. Passing, as far as we can know."""

    permanent = False
