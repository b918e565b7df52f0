"""Which keys we compute with, how they are read, and that hostile ones cost nothing."""

import time
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from federation import signatures
from tests import keys

from .signing import BODY, KEY_ID, NOW, ORIGIN, Signed, http_date, keypair

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PEM, SPKI = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo


def base58(raw: bytes) -> str:
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return text


def pem_of(modulus: int, exponent: int) -> str:
    return rsa.RSAPublicNumbers(exponent, modulus).public_key().public_bytes(PEM, SPKI).decode()


def odd(bits: int) -> int:
    return (1 << bits) - 12345


def test_spki_and_pkcs1_give_the_same_key() -> None:
    key = keypair()[1]
    assert isinstance(key, rsa.RSAPublicKey)
    old = key.public_bytes(PEM, serialization.PublicFormat.PKCS1).decode()
    assert old.startswith("-----BEGIN RSA PUBLIC KEY-----")
    assert signatures.public_pem(signatures.public_key(old)) == signatures.public_pem(key)


def test_blank_lines_around_a_key_and_windows_line_ends_do_no_harm() -> None:
    pem = signatures.public_pem(keypair()[1])
    assert signatures.public_key("\n " + pem.replace("\n", "\r\n") + "\n\n") == keypair()[1]


@pytest.mark.parametrize("bits", [2048, 3072, 4096, 8192])
def test_rsa_of_2048_to_8192_bits_is_taken(bits: int) -> None:
    assert isinstance(signatures.public_key(pem_of(odd(bits), 65537)), rsa.RSAPublicKey)


def test_rsa_of_1024_bits_is_taken_only_when_asked_for() -> None:
    pem = pem_of(odd(1024), 65537)
    with pytest.raises(signatures.BadKey):
        signatures.public_key(pem)
    assert isinstance(signatures.public_key(pem, allow_1024=True), rsa.RSAPublicKey)


HOSTILE = {
    "1023 bits": lambda: pem_of(odd(1023), 65537),
    "2047 bits": lambda: pem_of(odd(2047), 65537),
    "16384 bits": lambda: pem_of(odd(16384), 65537),
    "32768 bits": lambda: (
        "-----BEGIN PUBLIC KEY-----\n" + b64encode(b"\x30\x82" + b"\xff" * 4200).decode() + "\n-----END PUBLIC KEY-----"
    ),
    "exponent 3": lambda: pem_of(odd(2048), 3),
    "exponent 17": lambda: pem_of(odd(2048), 17),
    "exponent of 41 bits": lambda: pem_of(odd(2048), 2**40 + 1),
    "even modulus": lambda: pem_of(odd(2048) - 1, 65537),
    "elliptic curve": lambda: ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(PEM, SPKI).decode(),
    "garbage": lambda: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    "no PEM": lambda: "hello",
    "empty": lambda: "",
    "not ASCII": lambda: "-----BEGIN PUBLIC KEY-----\næøå\n-----END PUBLIC KEY-----",
    "a megabyte": lambda: "-----BEGIN PUBLIC KEY-----\n" + "A" * 1_000_000,
    "two keys": lambda: pem_of(odd(2048), 65537) * 2,
    "a private key": lambda: signatures.generate()[0],
    "a certificate": lambda: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_t40_hostile_keys_are_refused_in_no_time(name: str) -> None:
    pem = HOSTILE[name]()
    before = time.process_time()
    with pytest.raises(signatures.BadKey):
        signatures.public_key(pem)
    assert time.process_time() - before < 0.05


def test_t40_exponent_1_is_refused() -> None:
    """The library cannot even write such a key, so its bytes are made by hand."""
    good = rsa.RSAPublicNumbers(3, odd(2048)).public_key().public_bytes(serialization.Encoding.DER, SPKI)
    assert good.endswith(b"\x02\x01\x03")
    body = b64encode(good[:-1] + b"\x01").decode()
    with pytest.raises(signatures.BadKey):
        signatures.public_key(f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----")


def test_our_own_keys_load_fast_and_only_once() -> None:
    private, public = signatures.generate()
    before = time.process_time()
    first = signatures.private_key(private)
    assert time.process_time() - before < 0.02
    assert signatures.private_key(private) is first
    assert signatures.public_pem(first.public_key()) == public


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_a_private_key_that_is_none_says_so(text: str) -> None:
    with pytest.raises(signatures.BadKey):
        signatures.private_key(text)


def test_an_ed25519_multikey_is_read() -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    assert signatures.multikey("z" + base58(b"\xed\x01" + public.public_bytes_raw())) == public


def test_our_second_key_follows_from_the_first_and_is_read_as_it_is_written() -> None:
    (one, _), (other, _) = keys.draw(), keys.draw()
    public = signatures.second_key(one).public_key()
    assert signatures.multibase(public).startswith("z6Mk")
    assert signatures.multikey(signatures.multibase(public)) == public
    assert signatures.second_key(one).public_key() == public != signatures.second_key(other).public_key()


def test_the_multikey_of_the_specification_is_read() -> None:
    """FEP-521a's example."""
    assert signatures.multikey("z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2").public_bytes_raw()


@pytest.mark.parametrize(
    "text",
    [
        "", "z", "z6Mk", "6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2", "z" + "0" * 47, "z" + "1" * 47,
        "z" + "z" * 60, "z" * 100_000, "z1" + base58(b"\xed\x01" + b"a" * 32), "z" + base58(b"\xec\x01" + b"a" * 32),
        "z" + base58(b"\xed\x01" + b"a" * 33),
    ],
)  # fmt: skip
def test_other_multikeys_are_refused(text: str) -> None:
    with pytest.raises(signatures.BadKey):
        signatures.multikey(text)


def ed25519_signed(algorithm: str) -> tuple[Signed, signatures.PublicKey]:
    private = ed25519.Ed25519PrivateKey.generate()
    names = "(request-target) host date digest"
    digest, date = signatures.digest_header(BODY), http_date(NOW)
    text = f"(request-target): post /inbox\nhost: ask.test\ndate: {date}\ndigest: {digest}"
    signature = b64encode(private.sign(text.encode())).decode()
    value = f'keyId="{KEY_ID}",algorithm="{algorithm}",headers="{names}",signature="{signature}"'
    headers = [("Host", "ask.test"), ("Date", date), ("Digest", digest), ("Signature", value)]
    return Signed("POST", "/inbox", headers), private.public_key()


@pytest.mark.parametrize("algorithm", ["hs2019", "ed25519"])
def test_ed25519_signatures_verify(algorithm: str) -> None:
    request, key = ed25519_signed(algorithm)
    request.verify(key)


def test_t33_the_word_rsa_with_an_ed25519_key_is_401() -> None:
    request, key = ed25519_signed("rsa-sha256")
    with pytest.raises(signatures.SignatureError):
        request.verify(key)


def test_ed25519_keys_go_through_pem_unchanged() -> None:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    assert signatures.public_key(signatures.public_pem(key)) == key


def test_ed25519_verifies_rfc9421() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    listed = f'("@method" "@target-uri");created={int(NOW.timestamp())};keyid="{KEY_ID}";alg="ed25519"'
    text = f'"@method": GET\n"@target-uri": {ORIGIN}/u/lene\n"@signature-params": {listed}'
    headers = [
        ("Host", "ask.test"),
        ("Signature-Input", f"s={listed}"),
        ("Signature", f"s=:{b64encode(private.sign(text.encode())).decode()}:"),
    ]
    Signed("GET", "/u/lene", headers, b"").verify(private.public_key())


def test_the_digest_of_followers_is_the_exclusive_or_of_their_hashes() -> None:
    """The example of FEP-8fcf."""
    ids = [
        "https://testing.example.org/users/1",
        "https://testing.example.org/users/2",
    ]
    assert signatures.followers_digest(ids) == "c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f"
    assert signatures.followers_digest(reversed(ids)) == signatures.followers_digest(ids)
    assert signatures.followers_digest([]) == "0" * 64
