"""Ten thousand random changes to right signature headers: none of them still proves anything."""

import random
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation import signatures, urls
from federation.signatures.fields import FieldError, parse_dictionary

from .signing import KEY_ID, NOW, Signed, keypair, ours

CHANGES = 5_000
LETTERS = "".join(map(chr, range(32, 127))) + "\t\xe6\xff\x00"


def mutate(text: str, dice: random.Random) -> str:
    """One random change: a letter replaced, added, left out, swapped, doubled, or a stretch moved."""
    at = dice.randrange(len(text))
    other = dice.randrange(len(text))
    first, last = min(at, other), max(at, other)
    match dice.randrange(7):
        case 0:
            return text[:at] + dice.choice(LETTERS) + text[at + 1 :]
        case 1:
            return text[:at] + dice.choice(LETTERS) + text[at:]
        case 2:
            return text[:at] + text[at + 1 :]
        case 3:
            swapped = text[last] + text[first + 1 : last] + text[first]
            return text[:first] + swapped + text[last + 1 :] if first < last else text
        case 4:
            return text[:first] + text[last:]
        case 5:
            return text[:at] + text[first:last] + text[at:]
        case _:
            return text[:at] + text[at].swapcase() + text[at + 1 :]


def says_the_same(one: str, other: str) -> bool:
    """True if two headers differ in blanks between parameters only, which no reader looks at."""
    return blanks_out(one) == blanks_out(other)


def blanks_out(text: str) -> str:
    parts = re.split(r'("[^"]*")', text.strip(" \t"))
    return "".join(part if part.startswith('"') else re.sub(r"[ \t]+", "", part) for part in parts)


def believed(request: Signed) -> bool:
    """What the inbox does, with a world of one key."""
    try:
        parsed = signatures.parse_request_signature(
            signatures.Message.of(request.method, request.target, request.headers)
        )
        if parsed.key_id != KEY_ID:
            return False
        signatures.verify(parsed, keypair()[1], origin="https://ask.test", now=NOW, body=request.body)
    except signatures.SignatureError:
        return False
    return True


@pytest.mark.parametrize(
    ("scheme", "header", "changes"),
    [
        ("cavage", "Signature", CHANGES),
        ("rfc9421", "Signature", CHANGES // 2),
        ("rfc9421", "Signature-Input", CHANGES // 2),
    ],
)
def test_t46_no_changed_signature_is_believed(scheme: str, header: str, changes: int) -> None:
    request = ours(scheme)
    right = request.header(header)
    assert believed(request)
    dice = random.Random(46)
    wrongly = []
    tried = 0
    while tried < changes:
        changed = mutate(right, dice)
        if dice.random() < 0.3:
            changed = mutate(changed, dice)
        if says_the_same(changed, right):
            continue
        tried += 1
        if believed(request.with_header(header, changed)):
            wrongly.append(changed)
    assert wrongly == []


COVERED = {
    "cavage": ("Signature", "Date", "Digest", "Host", "Content-Type"),
    "rfc9421": ("Signature", "Signature-Input", "Content-Digest", "Host"),
}
once = cache(ours)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_at_all_gives_an_answer_and_never_a_crash(text: str) -> None:
    for scheme, names in COVERED.items():
        request = once(scheme)
        assert believed(request)
        for name in names:
            assert not believed(request.with_header(name, text))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='ab1-*=(),;:"\\ \t?.@/+é', max_size=60))
def test_the_reader_of_structured_fields_ends_in_a_value_or_a_field_error(text: str) -> None:
    try:
        members = parse_dictionary(text)
    except FieldError:
        return
    assert isinstance(members, dict)


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=400), path=st.text(alphabet="abcæ/?=&%2F.", max_size=40))
def test_every_body_and_path_that_we_sign_verifies(body: bytes, path: str) -> None:
    target = urls.parse("https://ask.test/" + path).target
    for scheme in ("cavage", "rfc9421"):
        assert believed(ours(scheme, "POST", target, body))
        assert not believed(Signed("POST", target + "x", ours(scheme, "POST", target, body).headers, body))
