"""Our own certificates: which is shown, what is wrong with those that cannot be, and how they are exchanged."""

import asyncio
import multiprocessing
import socket
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from prometheus_client import CollectorRegistry

from proxy.config import CertificateRow, TlsListen
from proxy.tls import Certificates, following, load_certificates
from redirect_rules.sources import Problems
from tests.passing_peers.certificates import Authority

HUE, LANG_SON = "dichvucong.thuathienhue.gov.vn", "dichvucong.langson.gov.vn"


def row(*pairs: tuple[Path, Path], **more: object) -> TlsListen:
    certificates = [CertificateRow(certificate_file=str(one), key_file=str(key)) for one, key in pairs]
    return TlsListen.model_validate({"certificates": certificates, **more})


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def issued(authority: Authority, *names: str) -> Certificates:
    """A certificate for each of the names; several separated by blanks are on one."""
    return Certificates(row(*(authority.issue(*name.split()) for name in names)), authority.folder)


SHOWN = [
    # asked for                          the certificate that is shown
    (LANG_SON,                           LANG_SON),
    ("DichVuCong.LangSon.gov.vn",        LANG_SON),
    (LANG_SON + ".",                     LANG_SON),
    (HUE,                                "*.thuathienhue.gov.vn"),
    ("motcua.thuathienhue.gov.vn",       "*.thuathienhue.gov.vn"),
    ("a.motcua.thuathienhue.gov.vn",     "first.gov.vn"),
    ("thuathienhue.gov.vn",              "first.gov.vn"),
    ("second.gov.vn",                    "first.gov.vn"),
    ("nobody.example",                   "first.gov.vn"),
    ("",                                 "first.gov.vn"),
    (None,                               "first.gov.vn"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "shown"), SHOWN)
def test_a_visitor_is_shown_the_certificate_of_the_host(authority: Authority, host: str | None, shown: str) -> None:
    certificates = issued(authority, "first.gov.vn second.gov.vn", LANG_SON, "*.thuathienhue.gov.vn")
    assert Path(certificates.find(host).name).stem == shown


def test_of_two_certificates_with_one_name_the_first_is_shown(authority: Authority) -> None:
    certificates = issued(authority, "first.gov.vn both.gov.vn", "second.gov.vn both.gov.vn")
    assert Path(certificates.find("both.gov.vn").name).stem == "first.gov.vn"


def test_without_certificates_there_is_nothing() -> None:
    assert load_certificates(TlsListen(), Path()) is None


def locked(files: tuple[Path, Path]) -> tuple[Path, Path]:
    subprocess.run(
        ["openssl", "pkey", "-in", str(files[1]), "-aes128", "-passout", "pass:x", "-out", str(files[1]) + ".locked"],
        check=True,
    )
    return files[0], Path(str(files[1]) + ".locked")


def test_every_mistake_is_told_at_once_with_its_file_and_what_to_do(authority: Authority, tmp_path: Path) -> None:
    good, other = authority.issue("good.gov.vn"), authority.issue("other.gov.vn")
    (tmp_path / "text.pem").write_text("no certificate")
    pairs = [
        ((tmp_path / "absent.pem", good[1]), "absent.pem cannot be read: No such file"),
        ((good[0], other[1]), "other.gov.vn.key is not that of"),
        ((tmp_path / "text.pem", good[1]), "no certificate and key in PEM form"),
        (locked(good), "is locked: write it without a passphrase"),
        (good, ""),
    ]
    with pytest.raises(Problems) as raised:
        Certificates(row(*(pair for pair, _ in pairs)), tmp_path)
    said = [problem.text for problem in raised.value.problems]
    assert len(said) == 4
    for _, wanted in pairs[:4]:
        assert [text for text in said if wanted in text], (wanted, said)


def test_a_certificate_with_its_key_in_the_same_file_will_do(authority: Authority) -> None:
    files = authority.issue(LANG_SON)
    both = authority.folder / "both.pem"
    both.write_bytes(files[0].read_bytes() + files[1].read_bytes())
    found = Certificates(TlsListen(certificates=[CertificateRow(certificate_file="both.pem")]), authority.folder)
    assert found.all[0].hosts == (LANG_SON,)


def handshake(server: ssl.SSLContext, authority: Authority, host: str, **client: object) -> ssl.SSLObject:
    """A handshake in memory, and the client's end of it."""
    context = ssl.create_default_context(cafile=str(authority.file))
    for name, value in client.items():
        setattr(context, name, value)
    context.set_alpn_protocols(["h2", "http/1.1"])
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours, theirs = context.wrap_bio(down, up, server_hostname=host), server.wrap_bio(up, down, server_side=True)
    for _ in range(8):
        for end in (ours, theirs):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ours


def test_a_handshake_verifies_and_speaks_http_1_1_in_tls_1_3(authority: Authority) -> None:
    seen = handshake(issued(authority, "first.gov.vn", LANG_SON).context, authority, LANG_SON)
    assert (seen.version(), seen.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    cipher = seen.cipher()
    assert cipher is not None
    assert cipher[0].startswith("TLS_")


def test_tls_1_2_has_forward_secrecy(authority: Authority) -> None:
    context = issued(authority, LANG_SON).context
    seen = handshake(context, authority, LANG_SON, maximum_version=ssl.TLSVersion.TLSv1_2)
    cipher = seen.cipher()
    assert cipher is not None
    assert cipher[0].startswith("ECDHE-")
    assert all(found["name"].startswith(("ECDHE-", "TLS_")) for found in context.get_ciphers())


OLD = [("1.2", ssl.TLSVersion.TLSv1_1), ("1.3", ssl.TLSVersion.TLSv1_2)]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize(("minimum", "spoken"), OLD)
def test_what_is_older_than_the_minimum_is_refused(authority: Authority, minimum: str, spoken: ssl.TLSVersion) -> None:
    certificates = Certificates(row(authority.issue(LANG_SON), minimum_version=minimum), authority.folder)
    with pytest.raises(ssl.SSLError):
        handshake(certificates.context, authority, LANG_SON, minimum_version=spoken, maximum_version=spoken)


def serial(seen: ssl.SSLObject) -> object:
    shown = seen.getpeercert()
    assert shown is not None
    return shown["serialNumber"]


def test_new_files_are_shown_after_a_reload_and_bad_ones_change_nothing(authority: Authority) -> None:
    certificates = issued(authority, LANG_SON)
    first = serial(handshake(certificates.context, authority, LANG_SON))
    assert not certificates.changed()
    certificate, key = authority.issue(LANG_SON)
    assert certificates.changed()
    certificates.reload()
    assert not certificates.changed()
    second = serial(handshake(certificates.context, authority, LANG_SON))
    assert second != first
    key.write_text("half of it")
    assert certificates.changed()
    with pytest.raises(Problems):
        certificates.reload()
    assert not certificates.changed()  # it is looked at again when it changes again
    assert serial(handshake(certificates.context, authority, LANG_SON)) == second
    certificate.unlink()
    assert certificates.changed()


KINDS = {"rsa:2048": rsa.RSAPublicKey, "ed25519": ed25519.Ed25519PublicKey}


def test_a_key_of_another_kind_takes_the_place_of_the_first(authority: Authority) -> None:
    """OpenSSL would keep one of each kind beside the other, and choose itself."""
    certificates = issued(authority, LANG_SON)
    shown = []
    for kind in KINDS:
        self_signed(authority.folder / f"{LANG_SON}.pem", authority.folder / f"{LANG_SON}.key", kind)
        certificates.reload()
        lenient = handshake(certificates.context, authority, LANG_SON, check_hostname=False, verify_mode=ssl.CERT_NONE)
        shown.append(lenient.getpeercert(binary_form=True))
    for seen, expected in zip(shown, KINDS.values(), strict=True):
        assert seen is not None
        assert isinstance(x509.load_der_x509_certificate(seen).public_key(), expected)


def self_signed(certificate: Path, key: Path, kind: str) -> None:
    command = ["openssl", "req", "-x509", "-newkey", kind, "-nodes", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, "-subj", f"/CN={LANG_SON}"], check=True, capture_output=True)


def test_before_anything_is_heard_nothing_is_tried(authority: Authority) -> None:
    heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = issued(authority, LANG_SON).context.wrap_bio(heard, said, server_side=True)
    for _ in range(3):
        with pytest.raises(ssl.SSLWantReadError):
            end.do_handshake()
    assert said.pending == 0


def test_who_ends_before_saying_anything_is_no_longer_waited_for(authority: Authority) -> None:
    heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = issued(authority, LANG_SON).context.wrap_bio(heard, said, server_side=True)
    heard.write_eof()
    with pytest.raises(ssl.SSLError) as raised:
        end.do_handshake()
    assert not isinstance(raised.value, ssl.SSLWantReadError)


def test_a_client_may_say_hello_octet_by_octet(authority: Authority) -> None:
    context = ssl.create_default_context(cafile=str(authority.file))
    up, down, heard = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(down, up, server_hostname=LANG_SON)
    server = issued(authority, LANG_SON).context.wrap_bio(heard, down, server_side=True)
    done = False
    for _ in range(2):
        with suppress(ssl.SSLWantReadError):
            client.do_handshake()
        for octet in up.read():
            assert not done
            heard.write(bytes((octet,)))
            with suppress(ssl.SSLWantReadError):
                server.do_handshake()
                done = True
    assert done
    assert client.version() == server.version() == "TLSv1.3"


async def test_files_that_change_are_taken_by_themselves(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    certificates, registry = issued(authority, LANG_SON), CollectorRegistry()

    async def reloads(outcome: str, times: int) -> None:
        async with asyncio.timeout(20):
            labels = {"outcome": outcome}
            while (registry.get_sample_value("dvc_edge_certificate_reloads_total", labels) or 0) < times:  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(0.01)

    async with following(certificates, registry, seconds=0.02):
        first = certificates.all[0]
        _, key = authority.issue(LANG_SON)
        await reloads("done", 1)
        assert certificates.all[0] is not first
        key.write_text("half of it")
        await reloads("refused", 1)
        assert "certificates not exchanged" in caplog.text
        name = {"certificate": certificates.all[0].name}
        assert registry.get_sample_value("dvc_edge_certificate_expires_timestamp_seconds", name)


def serve_once(context: ssl.SSLContext, listener: socket.socket) -> None:
    """In a process of its own, as a worker that was forked: greet one visitor."""
    connection, _ = listener.accept()
    with context.wrap_socket(connection, server_side=True) as seen:
        seen.sendall(b"hi")


def test_a_visitor_who_comes_back_is_recognised_by_every_worker(authority: Authority) -> None:
    """Tickets are sealed with keys of the context that listens, which workers inherit when they are forked."""
    certificates = issued(authority, "first.gov.vn", LANG_SON)
    visiting = ssl.create_default_context(cafile=str(authority.file))
    session: ssl.SSLSession | None = None
    recognised = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for _ in range(3):
            worker = multiprocessing.get_context("fork").Process(
                target=serve_once, args=(certificates.context, listener)
            )
            worker.start()
            with (
                socket.create_connection(listener.getsockname(), 20) as plain,
                visiting.wrap_socket(plain, server_hostname=LANG_SON, session=session) as seen,
            ):
                assert seen.recv(2) == b"hi"  # behind the ticket
                recognised.append(bool(seen.session_reused))
                session = seen.session
            worker.join(20)
            assert worker.exitcode == 0
            certificates.reload()  # nobody is forgotten for it
    assert recognised == [False, True, True]
