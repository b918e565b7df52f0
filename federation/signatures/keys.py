"""Keys of actors: reading what a stranger calls a public key, and making and loading our own.

A stranger chooses the size and shape of the key that we then compute with, so everything is limited before it is used
(Mastodon's `MAX_PUBLIC_KEYS`; RSA of 512 bits or with exponent 3 loads without complaint). The algorithm always
follows from the key, never from what a request says.
"""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import BadKey

PrivateKey = rsa.RSAPrivateKey
PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey

MAX_PEM_LENGTH = 4096
MIN_BITS = 2048
OLD_MIN_BITS = 1024
MAX_BITS = 8192
_PEM_STARTS = ("-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----")
_ED25519_PREFIX = b"\xed\x01"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@lru_cache(maxsize=2048)
def public_key(pem: str, *, allow_1024: bool = False) -> PublicKey:
    """Load a public key in PEM: SPKI (RSA, Ed25519) or PKCS#1 (RSA). Raises BadKey.

    RSA of 2048 to 8192 bits (from 1024 with `allow_1024`), modulus odd, exponent odd, at least 65537 and under 2^32:
    smaller exponents are forgeable with careless padding checks, larger ones only cost us time.
    """
    if len(pem) > MAX_PEM_LENGTH or not pem.isascii():
        raise BadKey("the key is too long")
    text = pem.strip()
    if not text.startswith(_PEM_STARTS) or text.count("-----BEGIN") != 1:
        raise BadKey("not one public key in PEM")
    try:
        key = serialization.load_pem_public_key(text.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey("the key cannot be read") from error
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadKey("neither RSA nor Ed25519")
    if not (OLD_MIN_BITS if allow_1024 else MIN_BITS) <= key.key_size <= MAX_BITS:
        raise BadKey(f"an RSA key of {key.key_size} bits")
    numbers = key.public_numbers()
    if numbers.n % 2 == 0 or numbers.e % 2 == 0 or not 65537 <= numbers.e < 2**32:
        raise BadKey("an RSA key with a weak modulus or exponent")
    return key


def multikey(text: str) -> ed25519.Ed25519PublicKey:
    """Load the `publicKeyMultibase` of a Multikey (FEP-521a): Ed25519 in base58btc, `z6Mk…`. Raises BadKey."""
    if not 40 <= len(text) <= 64 or not text.startswith("z"):
        raise BadKey("not a base58btc Multikey")
    number = 0
    for ch in text[1:]:
        value = _BASE58.find(ch)
        if value < 0:
            raise BadKey("not a base58btc Multikey")
        number = number * 58 + value
    try:
        raw = number.to_bytes(34, "big")
    except OverflowError:
        raise BadKey("a Multikey of another size") from None
    # A leading "1" would be a zero byte that the number does not show; the prefix check rules it out.
    if not raw.startswith(_ED25519_PREFIX) or text[1] == "1":
        raise BadKey("not an Ed25519 Multikey")
    return ed25519.Ed25519PublicKey.from_public_bytes(raw[2:])


def second_key(pem: str) -> ed25519.Ed25519PrivateKey:
    """The Ed25519 key that goes with one of **our own** RSA keys, derived from its private PEM: nothing more to keep.

    It is published beside the RSA key (FEP-521a), never instead of it.
    """
    seed = HKDF(hashes.SHA256(), 32, salt=None, info=b"torv ed25519-key").derive(pem.encode("ascii"))
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


def multibase(key: ed25519.Ed25519PublicKey) -> str:
    """A key as `publicKeyMultibase` of a Multikey: what `multikey` reads."""
    number = int.from_bytes(_ED25519_PREFIX + key.public_bytes_raw(), "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "z" + text


def public_pem(key: PublicKey) -> str:
    """A public key as SPKI PEM: the form we publish and store."""
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, spki).decode("ascii")


def generate() -> tuple[str, str]:
    """A new RSA-2048 key as (private PEM, public PEM). Takes some 50 to 300 ms of CPU: not on the event loop."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode("ascii"), public_pem(key.public_key())


@lru_cache(maxsize=512)
def private_key(pem: str) -> PrivateKey:
    """Load one of **our own** private keys. Raises BadKey.

    Kept, and loaded without the primality tests: those take 54 ms with the GIL held, at every load, for keys we made.
    """
    try:
        key = serialization.load_pem_private_key(
            pem.encode("ascii"), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey("the private key cannot be read") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadKey("not an RSA key")
    return key


def sign(key: PrivateKey, text: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 with SHA-256 (0.9 ms at 2048 bits, GIL released)."""
    return key.sign(text, padding.PKCS1v15(), hashes.SHA256())


def fits(key: PublicKey, signature: bytes, text: bytes) -> bool:
    """True if `signature` over `text` was made with the private half of `key`; the key decides how."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, text)
    except InvalidSignature:
        return False
    return True


def is_rsa(key: PublicKey) -> bool:
    """Whether it is of the older kind; the other is Ed25519."""
    return isinstance(key, rsa.RSAPublicKey)
