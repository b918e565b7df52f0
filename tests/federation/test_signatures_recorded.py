"""Every signature that a real server sent us verifies, but for the one that is made wrongly."""

import json
from collections import Counter
from pathlib import Path

import pytest

from federation import signatures
from federation.signatures.parsed import http_date

from .signing import Signed

PAYLOADS = Path(__file__).parent.parent / "fediverse" / "payloads"
KEYS = {folder.parent.name: json.loads(folder.read_text()) for folder in PAYLOADS.glob("*/keys.json")}

# Fedify signed the fragment of the key id as part of the target, so its signature is over another URL.
SIGNED_WRONGLY = {"fedify-2.3.6/006-get-person-signed.json"}


def recorded() -> dict[str, Signed]:
    found = {}
    for path in sorted(PAYLOADS.glob("*/[0-9]*.json")):
        request = json.loads(path.read_text()).get("request")
        if request is not None:
            headers = [(name, value) for name, value in request["headers"]]
            name = f"{path.parent.name}/{path.name}"
            found[name] = Signed(request["method"], request["target"], headers, request["body"].encode())
    return found


RECORDED = recorded()
SIGNED = {name: request for name, request in RECORDED.items() if signatures.is_signed(request.headers)}


def verify(name: str, request: Signed) -> signatures.ParsedSignature:
    """Verify with the clock at the request's Date and the key from the folder."""
    key_id = signatures.parse_request_signature(
        signatures.Message.of(request.method, request.target, request.headers)
    ).key_id
    key = signatures.public_key(KEYS[name.partition("/")[0]][key_id]["publicKeyPem"])
    origin = "https://" + request.header("Host")
    return request.verify(key, origin=origin, now=http_date(request.header("Date")))


def test_the_recordings_are_all_there() -> None:
    assert len(RECORDED) == 352
    assert len(SIGNED) == 329
    assert Counter(name.partition("/")[0] for name in SIGNED) == {
        "epicyon-1.7.0": 9,
        "fedify-2.3.6": 23,
        "gotosocial-0.20.0-rc1": 52,
        "microblog.pub-2.0.0": 25,
        "nodebb-4.15.1": 61,
        "piefed-1.6.6": 72,
        "snac2-2.94": 35,
        "takahe-0.11.0": 33,
        "wordpress-activitypub-4.0.0": 19,
    }


@pytest.mark.parametrize("name", sorted(set(SIGNED) - SIGNED_WRONGLY))
def test_a_recorded_signature_verifies(name: str) -> None:
    scheme = verify(name, SIGNED[name]).scheme
    wanted = "rfc9421" if any(key.lower() == "signature-input" for key, _ in SIGNED[name].headers) else "cavage"
    assert scheme == wanted


@pytest.mark.parametrize("name", sorted(SIGNED_WRONGLY))
def test_the_one_made_wrongly_does_not(name: str) -> None:
    with pytest.raises(signatures.SignatureError) as caught:
        verify(name, SIGNED[name])
    assert (caught.value.status, caught.value.code) == (401, "signature")


def test_epicyon_leaves_the_query_out() -> None:
    """The recording verifies; the same signature does not for another path."""
    name = "epicyon-1.7.0/009-get-webfinger-signed.json"
    request = SIGNED[name]
    assert "?" in request.target
    with pytest.raises(signatures.SignatureError):
        verify(name, Signed(request.method, "/u/lene?" + request.target.partition("?")[2], request.headers, b""))


@pytest.mark.parametrize("name", sorted(name for name in SIGNED if SIGNED[name].method == "POST")[::20])
def test_a_recorded_post_with_one_byte_more_does_not_verify(name: str) -> None:
    request = SIGNED[name]
    with pytest.raises(signatures.SignatureError):
        verify(name, Signed(request.method, request.target, request.headers, request.body + b"\n"))
