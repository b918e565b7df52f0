"""The keys of Web Push: the node's own (RFC 8292), and those of devices. `push` loads it when it needs one."""

from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@lru_cache(maxsize=4)
def drawn(pem: str) -> ec.EllipticCurvePrivateKey:
    """The key that is drawn from another one of ours, in PEM."""
    # 48 bytes, so that the remainder is as good as evenly spread (FIPS 186-5, A.2.1)
    seed = HKDF(hashes.SHA256(), 48, salt=None, info=b"torv vapid").derive(pem.encode())
    return ec.derive_private_key(int.from_bytes(seed, "big") % (P256_ORDER - 1) + 1, ec.SECP256R1())


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Its public half, as an uncompressed point."""
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def check_point(raw: bytes) -> None:
    """Raises ValueError if these bytes are no point of the curve."""
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
