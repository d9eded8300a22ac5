"""TLS of an API process that runs by itself."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from new_records import new_record
from service_processes import eventually, free_port, running, running_api

from contract.connections import Connections
from contract.entities import ENTITIES
from seawall.stack.certificates import Certificate
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return a certificate for loopback addresses."""
    return Certificate.made_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


def trusting(certificate: Certificate) -> ssl.SSLContext:
    """Return the settings of a client that trusts the certificate's authority."""
    return ssl.create_default_context(cafile=str(certificate.authority))


def test_tls_beside_cleartext_serves_the_same(stack: Stack, certificate: Certificate, tmp_path: Path) -> None:
    """A write by one is read by the other, and the keys of old protocols fit nowhere."""
    port = free_port()
    settings = {
        "SEAWALL_API_TLS_PORT": str(port),
        "SEAWALL_API_TLS_CERTIFICATE": str(certificate.chain),
        "SEAWALL_API_TLS_KEY": str(certificate.key),
    }
    user = new_record(USERS)
    context = trusting(certificate)
    with running_api(stack.connections, tmp_path, **settings) as (plain, _):
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context) as secure:
            for _ in range(3):  # the third takes the short cut, whose head was learnt before
                answer = secure.post(
                    "/v1/grouped/users", content=msgspec.json.encode(user), headers={"content-type": "application/json"}
                )
                assert answer.status_code == httpx.codes.CREATED
        assert plain.get(f"/v1/users/{user.id}").json()["id"] == str(user.id)
        with pytest.warns(DeprecationWarning, match="deprecated"):  # which is why
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"https://127.0.0.1:{port}/livez", verify=context)


def test_a_certificate_alone_makes_the_port_one_for_tls(certificate: Certificate, tmp_path: Path) -> None:
    """Its file may hold the key as well; who speaks cleartext there is not served."""
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.chain.read_bytes() + certificate.key.read_bytes())
    port = free_port()
    names = {
        "SEAWALL_API_PORT": str(port),
        "SEAWALL_API_TLS_CERTIFICATE": str(both),
        "SEAWALL_API_WITHOUT_KEYS": "true",
    }
    with running("api", {"PATH": os.defpath, **names}, tmp_path / "api.log"):
        context = trusting(certificate)

        def alive() -> bool:
            try:
                return httpx.get(f"https://127.0.0.1:{port}/livez", verify=context).is_success
            except httpx.TransportError:
                return False

        eventually(alive)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/livez")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SEAWALL_API_TLS_PORT": "1"}, "SEAWALL_API_TLS_CERTIFICATE: it is needed"),
        ({"SEAWALL_API_TLS_CERTIFICATE": "nowhere.pem"}, "SEAWALL_API_TLS_CERTIFICATE: Path does not point to a file"),
        ({"SEAWALL_API_TLS_CERTIFICATE": "{key}"}, "no usable pair"),
        ({"SEAWALL_API_TLS_CERTIFICATE": "{chain}", "SEAWALL_API_TLS_KEY": "{authority}"}, "no usable pair"),
    ],
)
def test_what_is_no_certificate_is_said(
    settings: dict[str, str], words: str, certificate: Certificate, tmp_path: Path
) -> None:
    """It ends with code 2 before anything listens."""
    files = {"key": certificate.key, "chain": certificate.chain, "authority": certificate.authority}
    names = {name: value.format(**files) for name, value in settings.items()}
    environment = {"SEAWALL_API_WITHOUT_KEYS": "true", **Connections().environment(), "PATH": os.defpath, **names}
    done = subprocess.run(
        [sys.executable, "-m", "api"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert list(tmp_path.iterdir()) == []
