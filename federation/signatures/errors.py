"""Why a signature was not believed."""


class SignatureError(Exception):
    """The request is not proven. `status` is the HTTP answer (400 malformed, 401 unproven), `code` is for logs and
    metrics, `text` is safe to send to whoever asked: it names the rule, never the key or our state."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


def malformed(code: str, text: str) -> SignatureError:
    """Nobody could read this: 400."""
    return SignatureError(400, code, text)


def unproven(code: str, text: str) -> SignatureError:
    """Readable, but it proves nothing: 401."""
    return SignatureError(401, code, text)


class BadKey(ValueError):
    """This is no key that we would trust a signature of."""
