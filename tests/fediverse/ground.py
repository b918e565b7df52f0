"""The ground on which real servers meet in tests: names that end in `.test`, each with a loopback address of its own,
and a certificate authority that only they trust.

No DNS and no privilege is needed: every 127.x.y.z is this machine, and Torv takes fixed names as a setting. Where port
443 may be bound, it is used, as in the world; else all take one high port, which then stands in every id.
"""

import datetime
import random
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind((address, 0))
        return int(found.getsockname()[1])


def _can_bind(address: str, port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((address, port))
        except OSError:
            return False
        return True


class Ground:
    """Names, addresses and certificates of one test run, all below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.addresses: dict[str, str] = {}
        self.port = 443 if _can_bind(self._somewhere(), 443) else free_port(self._somewhere())
        self.ca_file = folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Torv test authority")])
        self._ca = self._certificate(self._name, self._key.public_key(), None)
        self.ca_file.write_bytes(self._ca.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _somewhere() -> str:
        # Runs side by side do not meet: each name gets an address drawn from four million.
        return f"127.{random.randint(64, 127)}.{random.randint(1, 254)}.{random.randint(1, 254)}"

    def settle(self, name: str) -> str:
        """Give a host name its address. All names must be known before the first node starts."""
        while name not in self.addresses:
            address = self._somewhere()
            if address not in self.addresses.values() and _can_bind(address, self.port):
                self.addresses[name] = address
        return self.addresses[name]

    def host(self, name: str) -> str:
        """The name as it stands in URLs: with the port where it is not 443."""
        return name if self.port == 443 else f"{name}:{self.port}"

    def certificate(self, name: str) -> tuple[Path, Path]:
        """(certificate, key) of a host, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._certificate(subject, key.public_key(), name)
        chain, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        secret.chmod(0o600)
        return chain, secret

    def _certificate(self, subject: x509.Name, public: ec.EllipticCurvePublicKey, host: str | None) -> x509.Certificate:
        present = datetime.datetime.now(datetime.UTC)
        making = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(present - DAY)
            .not_valid_after(present + 2 * DAY)
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=0 if host is None else None), True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        )
        if host is None:
            uses = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            making = making.add_extension(uses, True)
        else:
            making = making.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
            making = making.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        return making.sign(self._key, hashes.SHA256())
