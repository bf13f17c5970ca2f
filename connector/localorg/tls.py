"""TLS for the local org: a throwaway certificate authority and a certificate for one address.

Called by the command and by tests. The authority signs one certificate and its key is gone when make_tls returns,
so trusting it lets nobody else in; for the same reason it vouches for this machine's addresses only.
"""

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_FILE = "local-org-ca.pem"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANYWHERE = frozenset({"", "0.0.0.0", "::"})
_LIFE = timedelta(days=397)
"""The longest life of a server certificate that Apple's clients accept."""
_SKEW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tls:
    """What a server needs to speak TLS, and the file that its clients must trust."""

    context: ssl.SSLContext
    ca_file: Path


def make_tls(folder: Path, host: str = "127.0.0.1") -> Tls:
    """Make an authority and a certificate for loopback and for `host`; writes the authority's certificate to a folder.

    Certificates go by the real time: clients compare them with their own clocks, not with the org's.
    """
    names = tuple(_subject_name(n) for n in dict.fromkeys((*_LOOPBACK, host)) if n not in _ANYWHERE)
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _sign_authority(authority_key, names)
    certificate = _sign_server(server_key, names, authority, authority_key)
    folder.mkdir(parents=True, exist_ok=True)
    ca_file = folder.resolve() / CA_FILE
    ca_file.write_bytes(authority.public_bytes(Encoding.PEM))
    return Tls(_make_context(certificate, server_key), ca_file)


def _subject_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _sign_authority(key: ec.EllipticCurvePrivateKey, names: tuple[x509.GeneralName, ...]) -> x509.Certificate:
    permitted = [x509.IPAddress(ip_network(n.value)) if isinstance(n, x509.IPAddress) else n for n in names]
    return (
        _start(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Local org, throwaway authority")]), key)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Local org, throwaway authority")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _sign_server(
    key: ec.EllipticCurvePrivateKey,
    names: tuple[x509.GeneralName, ...],
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _start(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Local org")]), key)
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _start(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now - _SKEW + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _make_context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    """A server's side of TLS 1.2 and 1.3; Python reads keys from files only, so one exists for a moment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory(prefix="local-org-") as scratch:
        chain = Path(scratch) / "server.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
        context.load_cert_chain(chain)
    return context
