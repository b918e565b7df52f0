"""Independent implementations believe what we sign, and we believe what they sign.

The judges are libraries that other servers run on: `@peertube/http-signature` (PeerTube, Misskey),
`@misskey-dev/node-http-message-signatures` (NodeBB), `@fedify/fedify` (Ghost, Hollo), and Python's
`http-message-signatures` for RFC 9421. The first three need Node.js and are installed from the lock file beside them
into `.cache/`; where there is no npm these tests are skipped, but not in CI.
"""

import base64
import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import http_message_signatures
import pytest
from cryptography.hazmat.primitives import serialization

from federation import signatures
from tests.missing import missing

from .signing import BODY, KEY_ID, ORIGIN, Signed, keypair

JUDGES = Path(__file__).parent / "judges"
CACHE = Path(__file__).parents[2] / ".cache" / "signature-judges"
URL = ORIGIN + "/u/lene/inbox?page=1"
NODE_JUDGES = [
    ("peertube", "cavage"),
    ("misskey", "cavage"),
    ("fedify", "cavage"),
    ("fedify", "rfc9421"),
]
METHODS = ("GET", "POST")


@cache
def private_pem() -> str:
    pkcs8 = serialization.PrivateFormat.PKCS8
    return keypair()[0].private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()).decode()


@cache
def installed() -> str | None:
    """Install the judges once for each lock file; None if that worked, else why it did not."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node.js and npm are not installed"
    lock = (JUDGES / "package-lock.json").read_text()
    done = CACHE / "installed-lock.json"
    if done.exists() and done.read_text() == lock:
        return None
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(JUDGES / name, CACHE / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        ran = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=240, check=False)
    except subprocess.TimeoutExpired:
        return "npm did not finish within four minutes"
    if ran.returncode != 0:
        return f"npm could not install the judges: {ran.stderr[-300:]}"
    done.write_text(lock)
    return None


@pytest.fixture(scope="module")
def node() -> None:
    reason = installed()
    if reason is not None:
        missing(reason)


def ask(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let the libraries work on the tasks, in one process."""
    ran = subprocess.run(
        ["node", str(JUDGES / "judge.mjs"), str(CACHE)],
        input=json.dumps(tasks), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    verdicts: list[dict[str, Any]] = json.loads(ran.stdout)
    return verdicts


def url_for(library: str, spec: str) -> str:
    """One with a query, but for Fedify's cavage, which leaves queries out of what it signs and verifies."""
    return URL.partition("?")[0] if (library, spec) == ("fedify", "cavage") else URL


def task(library: str, spec: str, method: str, action: str, **more: Any) -> dict[str, Any]:
    return {
        "library": library,
        "spec": spec,
        "method": method,
        "action": action,
        "url": url_for(library, spec),
        "body": base64.b64encode(BODY if method == "POST" else b"").decode(),
        "keyId": KEY_ID,
        "publicKey": signatures.public_pem(keypair()[1]),
        **more,
    }


def our_headers(library: str, spec: str, method: str) -> dict[str, str]:
    sign = signatures.sign_cavage if spec == "cavage" else signatures.sign_rfc9421
    return sign(
        keypair()[0], KEY_ID, method, url_for(library, spec), BODY if method == "POST" else b"", datetime.now(UTC)
    )


@pytest.mark.usefixtures("node")
def test_the_libraries_of_other_servers_believe_us() -> None:
    cases = [(library, spec, method) for library, spec in NODE_JUDGES for method in METHODS]
    tasks = [task(*case, "verify", headers=our_headers(*case)) for case in cases]
    verdicts = dict(zip(cases, ask(tasks), strict=True))
    assert {case: verdict for case, verdict in verdicts.items() if verdict.get("ok") is not True} == {}


@pytest.mark.usefixtures("node")
def test_the_libraries_really_judge() -> None:
    """A signature over something else is refused by each: their yes means something."""
    cases = [(library, spec, method) for library, spec in NODE_JUDGES for method in METHODS]
    tasks = []
    for library, spec, method in cases:
        headers = our_headers(library, spec, method)
        tasks.append({**task(library, spec, method, "verify", headers=headers), "url": ORIGIN + "/elsewhere"})
    assert [verdict.get("ok") for verdict in ask(tasks)] == [False] * len(cases)


@pytest.mark.usefixtures("node")
def test_we_believe_the_libraries_of_other_servers() -> None:
    cases = [(library, spec, method) for library, spec in NODE_JUDGES for method in METHODS]
    tasks = [task(*case, "sign", privateKey=private_pem()) for case in cases]
    for case, verdict in zip(cases, ask(tasks), strict=True):
        assert "headers" in verdict, (case, verdict)
        target = url_for(case[0], case[1]).removeprefix(ORIGIN)
        parsed = received(case[2], target, verdict["headers"]).verify(now=datetime.now(UTC))
        assert (parsed.scheme, parsed.key_id) == (case[1], KEY_ID)


@pytest.mark.usefixtures("node")
def test_fedify_leaves_the_query_out_and_is_believed_for_get_only() -> None:
    get, post = ask(
        [{**task("fedify", "cavage", method, "sign", privateKey=private_pem()), "url": URL} for method in METHODS]
    )
    target = URL.removeprefix(ORIGIN)
    received("GET", target, get["headers"]).verify(now=datetime.now(UTC))
    with pytest.raises(signatures.SignatureError):
        received("POST", target, post["headers"]).verify(now=datetime.now(UTC))


def received(method: str, target: str, headers: dict[str, str]) -> Signed:
    return Signed(method, target, list(headers.items()), BODY if method == "POST" else b"")


# RFC 9421 in Python


@dataclass
class Request:
    """What `http-message-signatures` reads."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""


RESOLVER = http_message_signatures.MappingKeyResolver(
    public_keys={KEY_ID: keypair()[1]}, private_keys={KEY_ID: keypair()[0]}
)


@pytest.mark.parametrize("method", METHODS)
def test_python_http_message_signatures_believes_us(method: str) -> None:
    verifier = http_message_signatures.HTTPMessageVerifier(
        signature_algorithm=http_message_signatures.algorithms.RSA_V1_5_SHA256, key_resolver=RESOLVER
    )
    results = verifier.verify(Request(method, URL, our_headers("python", "rfc9421", method)))
    assert len(results) == 1
    covered = set(results[0].covered_components)
    assert {'"@method"', '"@target-uri"'} <= covered
    assert ('"content-digest"' in covered) == (method == "POST")


@pytest.mark.parametrize(
    "components",
    [("@method", "@target-uri"), ("@method", "@authority", "@path", "@query"), ("@method", "@target-uri", "host")],
)
@pytest.mark.parametrize("method", METHODS)
def test_we_believe_python_http_message_signatures(method: str, components: tuple[str, ...]) -> None:
    body = BODY if method == "POST" else b""
    headers = {"Host": "ask.test"}
    if method == "POST":
        headers["Content-Digest"] = signatures.content_digest_header(body)
        components = (*components, "content-digest")
    request = Request(method, URL, headers, body)
    http_message_signatures.HTTPMessageSigner(
        signature_algorithm=http_message_signatures.algorithms.RSA_V1_5_SHA256, key_resolver=RESOLVER
    ).sign(request, key_id=KEY_ID, covered_component_ids=components, use_existing_digest=method == "POST")
    parsed = received(method, URL.removeprefix(ORIGIN), request.headers).verify(now=datetime.now(UTC))
    assert parsed.components == components
