"""Our own certificates: which of them a visitor is shown, and how they are exchanged without closing anything.

One context listens, that of the first certificate.  It is made before workers are forked, so that all of them know its
keys for session tickets and a visitor who comes back is recognised by every worker.  Where there are others, or files
were exchanged, each handshake borrows the context of the certificate that is in force for the name that was asked for
(RFC 6066 §3); as long as there is but one, nobody is asked for it: that costs a thirtieth of a handshake.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge

from proxy.config import CertificateRow, TlsListen
from redirect_rules.sources import Problem, Problems

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption, nothing else (RFC 9325 §4.2); TLS 1.3 has only such."""
SHUTDOWN_SECONDS: Final = 5.0
"""How long a visitor's own good-bye is waited for."""

_NO_CHECK_TIME: Final = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME: an expired one still says its names
_ROUNDS: Final = 12  # of a handshake with ourselves: more than any takes

_log = logging.getLogger(__name__)


class _Handshake(ssl.SSLObject):
    """A server's end, which answers what it has heard."""

    heard: ssl.MemoryBIO

    def do_handshake(self) -> None:
        """Go on with the handshake; SSLWantReadError before anything is heard.

        An event loop tries as soon as a connection is made.  OpenSSL would set out, find nothing, and say so at length.
        """
        if not self.heard.pending and not self.heard.eof:
            raise ssl.SSLWantReadError
        super().do_handshake()


class _ServerContext(ssl.SSLContext):
    sslobject_class = _Handshake

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as ssl has it
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(made, _Handshake):
            made.heard = incoming
        return made


class BadCertificate(Exception):
    """A certificate that cannot be used; its text names the file, and what to do."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate with its key."""

    name: str  # as the configuration has it
    context: ssl.SSLContext
    hosts: tuple[str, ...]  # lower case; "*.gov.vn" is one label deep (RFC 9525 §6.3)
    expires_at: float  # seconds since 1970, UTC


class _Stamp(NamedTuple):
    modified: int
    size: int
    file: int


class Certificates:
    """All certificates of one configuration, and the context that listens."""

    def __init__(self, row: TlsListen, folder: Path) -> None:
        """Read everything.  `folder`: what the files are relative to.  Raises Problems: all there is to mend."""
        self._row = row
        self._folder = folder
        self._take(self.read())
        self.context = self._all[0].context
        if len(self._all) > 1:
            self.context.sni_callback = self._choose

    @property
    def all(self) -> Sequence[Certificate]:
        """Those in force."""
        return self._all

    def find(self, host: str | None) -> Certificate:
        """The certificate for a host: its own, else that of its wildcard, else the first of all."""
        if host:
            name = host.lower().rstrip(".")
            found = self._by_host.get(name) or self._by_host.get("*." + name.partition(".")[2])
            if found is not None:
                return found
        return self._all[0]

    def changed(self) -> bool:
        """Whether a file is another than when it was last read, or tried to be."""
        return self._stamped() != self._stamps

    def read(self) -> Sequence[Certificate]:
        """Read all files anew.  Raises Problems."""
        self._stamps = self._stamped()
        return self._read()

    def exchange(self, certificates: Sequence[Certificate]) -> None:
        """Show these from now on; connections that stand go on.  For the thread in which hands are shaken."""
        self._take(certificates)
        self.context.sni_callback = self._choose

    def reload(self) -> None:
        """Read all files anew, and show them.  Raises Problems, and nothing has changed then."""
        self.exchange(self.read())

    def _choose(self, handshake: ssl.SSLObject | ssl.SSLSocket, host: str | None, _: ssl.SSLContext) -> None:
        found = self.find(host).context
        if found is not self.context:
            handshake.context = found

    def _take(self, certificates: Sequence[Certificate]) -> None:
        by_host: dict[str, Certificate] = {}
        for certificate in certificates:
            for host in certificate.hosts:
                by_host.setdefault(host, certificate)
        self._all: Sequence[Certificate] = certificates
        self._by_host: Mapping[str, Certificate] = by_host

    def _read(self) -> Sequence[Certificate]:
        found: list[Certificate] = []
        problems: list[Problem] = []
        for row in self._row.certificates:
            try:
                found.append(read_certificate(row, self._folder, self._row.minimum_version))
            except BadCertificate as error:
                problems.append(Problem(str(self._folder / row.certificate_file), 0, str(error)))
        if problems:
            raise Problems(problems)
        return found

    def _stamped(self) -> Mapping[Path, _Stamp | None]:
        return {path: _stamp(path) for row in self._row.certificates for path in _files(row, self._folder)}


def _files(row: CertificateRow, folder: Path) -> tuple[Path, Path]:
    return folder / row.certificate_file, folder / (row.key_file or row.certificate_file)


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


def _context(minimum: Literal["1.2", "1.3"]) -> ssl.SSLContext:
    context = _ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if minimum == "1.3" else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])  # HTTP/2 stays in front
    context.num_tickets = 1  # of two that are sent by default a visitor seldom uses the second, and both cost
    return context


def read_certificate(row: CertificateRow, folder: Path, minimum: Literal["1.2", "1.3"]) -> Certificate:
    """Read a chain and its key.  Raises BadCertificate."""
    certificate, key = _files(row, folder)
    for path in (certificate, key):
        try:
            octets = path.read_bytes()
        except OSError as error:
            text = f"{path} cannot be read: {error.strerror}; name a PEM file that this user may read"
            raise BadCertificate(f"{text}, relative to {folder}") from None
        if b"ENCRYPTED" in octets:  # OpenSSL would ask for the passphrase on the terminal
            text = f"the key in {path} is locked: write it without a passphrase"
            raise BadCertificate(f"{text} (openssl pkey -in {path.name} -out {path.stem}.open.key)")
    context = _context(minimum)
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")  # never ask on the terminal
        hosts, expires_at = _introduced(context, certificate)
    except ssl.SSLError as error:
        raise BadCertificate(_advice(error, certificate, key)) from None
    return Certificate(row.certificate_file, context, hosts, expires_at)


def _advice(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    reason = error.reason or str(error)
    if "MISMATCH" in reason:
        return f"the key in {key} is not that of {certificate}: write the two that were issued together"
    if "VERIFY" in reason:
        return f"{certificate} is no server's certificate, or its own comes not first: {error.verify_message}"  # type: ignore[attr-defined]  # of SSLCertVerificationError
    return f"{certificate} and {key} are no certificate and key in PEM form ({reason}): the visitor's chain comes first"


def _introduced(context: ssl.SSLContext, certificate: Path) -> tuple[tuple[str, ...], float]:
    """The names and the end of a certificate, as a client is shown it in a handshake with ourselves.

    So everything is tried that a visitor will try: the key, the chain, and its purpose.
    """
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.load_verify_locations(certificate)
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = trusting.wrap_bio(down, up), context.wrap_bio(up, down, server_side=True)
    for _ in range(_ROUNDS):
        for end in (client, server):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    shown = client.getpeercert() or {}
    alternatives = shown.get("subjectAltName", ())
    hosts = tuple(str(pair[1]).lower() for pair in alternatives if pair[0] == "DNS")
    return hosts, ssl.cert_time_to_seconds(str(shown["notAfter"]))


class CertificateMetrics:
    """What Prometheus is told about certificates; they are named as in the configuration."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._expires = Gauge(
            "dvc_edge_certificate_expires_timestamp_seconds",
            "When a certificate ends, in seconds since 1970.",
            ("certificate",),
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._reloads = Counter(
            "dvc_edge_certificate_reloads",
            "Certificates read anew because their files changed: done, or refused.",
            ("outcome",),
            registry=registry,
        )

    def in_force(self, certificates: Sequence[Certificate]) -> None:
        """These are shown."""
        for certificate in certificates:
            self._expires.labels(certificate.name).set(certificate.expires_at)

    def reloaded(self, *, done: bool) -> None:
        """Files had changed."""
        self._reloads.labels("done" if done else "refused").inc()


async def follow(certificates: Certificates, metrics: CertificateMetrics, *, seconds: float) -> None:
    """Look every so many seconds whether a file has changed, and take the new ones; never ends by itself."""
    metrics.in_force(certificates.all)
    while True:
        await asyncio.sleep(seconds)
        if not certificates.changed():
            continue
        try:
            certificates.exchange(await asyncio.to_thread(certificates.read))
        except Problems as error:
            # Half a pair may have been written: the next change is looked at again.
            _log.error("certificates not exchanged, those of before are shown: %d to mend", len(error.problems))
            for problem in error.problems:
                _log.error("  %s", problem)
            metrics.reloaded(done=False)
        else:
            _log.info("certificates exchanged: %d are shown", len(certificates.all))
            metrics.in_force(certificates.all)
            metrics.reloaded(done=True)


@asynccontextmanager
async def following(certificates: Certificates, registry: CollectorRegistry, *, seconds: float) -> AsyncIterator[None]:
    """Follow the files until the block ends."""
    task = asyncio.ensure_future(follow(certificates, CertificateMetrics(registry), seconds=seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def load_certificates(row: TlsListen, folder: Path) -> Certificates | None:
    """The certificates that a configuration names; None for none.  Raises Problems."""
    return Certificates(row, folder) if row.certificates else None
