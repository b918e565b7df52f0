"""A person with a browser that runs no scripts: signs in, opens pages, fills in forms."""

import re
import ssl
from typing import Any

import httpx

from tests.fediverse.ground import Ground

TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')


class _Loopback(httpx.HTTPTransport):
    """Goes to the address that the ground gave a name; TLS and Host header speak of the name."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(verify=ssl.create_default_context(cafile=ground.ca_file))
        self._addresses = ground.addresses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        there = httpx.Request(
            request.method,
            request.url.copy_with(host=self._addresses[name]),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": name},
        )
        return super().handle_request(there)


def browser(ground: Ground, origin: str, **more: Any) -> httpx.Client:
    """An HTTP client at home on the ground, that starts at `origin` and keeps its cookies."""
    how = {"headers": {"Origin": origin}, "timeout": 15.0, **more}
    return httpx.Client(transport=_Loopback(ground), base_url=origin, trust_env=False, **how)


class Visitor:
    """Somebody signed in at a node. Each method is one form sent; it fails unless the node did what was asked."""

    def __init__(self, ground: Ground, origin: str, login: str, password: str) -> None:
        self.http = browser(ground, origin)
        self._token = self._token_of("/sign-in")
        answer = self.send("/sign-in", login=login, password=password)
        assert answer.status_code == 303, f"{login} cannot sign in: {answer.status_code} {answer.text[-1500:]}"
        self._token = self._token_of("/post")

    def _token_of(self, path: str) -> str:
        found = TOKEN.search(self.page(path))
        assert found, f"{path} has no form"
        return found[1]

    def page(self, path: str) -> str:
        """A page's HTML."""
        answer = self.http.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
        assert answer.status_code == 200, f"{path}: {answer.status_code}\n{answer.text[-1500:]}"
        return answer.text

    def send(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form, whatever comes back."""
        return self.http.post(path, data={"token": self._token, **{k: str(v) for k, v in fields.items()}})

    def do(self, path: str, **fields: Any) -> str:
        """Send a form that must succeed; the path it leads to."""
        answer = self.send(path, **fields)
        assert answer.status_code == 303, f"{path} {fields}: {answer.status_code}\n{answer.text[-3000:]}"
        return str(answer.headers["location"])

    def ask(self, community_id: int, title: str, text: str = "", **more: Any) -> int:
        """Ask a question; the post's number."""
        return _number(self.do("/ask", community=community_id, title=title, text=text, language="da", **more))

    def post(self, text: str, visibility: str = "public") -> int:
        """Write a note; the post's number."""
        return _number(self.do("/post", text=text, visibility=visibility, language="da"))

    def reply(self, post_id: int, text: str, visibility: str = "public") -> int:
        """Answer a question or comment on something; the reply's number."""
        where = self.do(f"/posts/{post_id}/reply", text=text, visibility=visibility)
        found = re.search(r"#p(\d+)$", where)
        assert found, where
        return int(found[1])

    def close(self) -> None:
        """Close the browser."""
        self.http.close()


def _number(path: str) -> int:
    found = re.match(r"/p/(\d+)", path)
    assert found, path
    return int(found[1])
