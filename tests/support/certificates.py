"""Certificates for tests: a root of its own, and what it vouches for."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(hours=1)
EXPIRED = timedelta(minutes=-1)
PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8


class CertificateAuthority:
    """A root, whose files are in a folder."""

    def __init__(self, folder: Path, name: str = "root") -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self._name, self._name, self._key.public_key())
        root = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file = folder / f"{name}.pem"
        """The root's certificate, PEM."""
        self.file.write_bytes(root.sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def issue(
        self, name: str, *, password: bytes | None = None, host: str | None = None, life: timedelta = LIFE
    ) -> tuple[Path, Path]:
        """A certificate for 127.0.0.1, or for a host's name, and its key, as PEM files; `life` is from now on."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        address = x509.DNSName(host) if host else x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        addresses = x509.SubjectAlternativeName([address])
        builder = _builder(subject, self._name, key.public_key(), life).add_extension(addresses, critical=False)
        certificate_file, key_file = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate_file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(PEM))
        locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(PEM, PKCS8, locked))
        return certificate_file, key_file


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta = LIFE
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + life)
    )
