"""The schema registry: its program in the cache, the embedded service, and what is asked of any."""

from __future__ import annotations

import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from schema_registry import running

from seawall.stack import registry_program
from seawall.stack.errors import JarsUnavailable, Unreachable
from seawall.stack.jars import JarCache, read_lock, sha256_of
from seawall.stack.options import StackOptions
from seawall.stack.registry import check, read_settings
from seawall.stack.registry_program import RegistryProgram
from seawall.stack.stack import Stack


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small archive that lies in the cache already, as what the lock pins."""
    jars = tmp_path / "cache" / "jars"
    jars.mkdir(parents=True)
    place = jars / "registry-1-all.tar.gz"
    (tmp_path / "quarkus-run.jar").write_bytes(b"a program")
    with tarfile.open(place, "w:gz") as packed:
        packed.add(tmp_path / "quarkus-run.jar", "./quarkus-run.jar")
    _pin(place, tmp_path, monkeypatch)
    return place


def _pin(place: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = directory / "registry.lock"
    lock.write_text(f"a:registry:1:all:tar.gz {place.stat().st_size} {sha256_of(place)}\n")
    monkeypatch.setattr(registry_program, "_LOCK", lock)


def test_the_program_is_pinned() -> None:
    """By classifier and packaging, too, since the plain artifact is another one."""
    (found,) = read_lock(Path(registry_program.__file__).with_name("registry.lock"))
    assert found.filename == f"apicurio-registry-app-{found.version}-all.tar.gz"
    assert len(bytes.fromhex(found.sha256)) == 32


def test_the_program_is_unpacked_once_and_its_archive_removed(archive: Path, tmp_path: Path) -> None:
    """It is there whole or not at all, and what was fetched takes no room any more."""
    program = RegistryProgram(tmp_path / "cache")
    assert not program.complete
    program.fetch()
    assert program.main_jar.read_bytes() == b"a program"
    assert not archive.exists()
    program.fetch()  # would fail, if it went for the archive again
    assert {one.name for one in (tmp_path / "cache").iterdir() if not one.name.startswith(".")} == {
        "jars",
        program.directory.name,
    }


def test_an_archive_that_is_none_is_said(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing of it stays."""
    archive.write_bytes(b"no archive")
    _pin(archive, tmp_path, monkeypatch)
    program = RegistryProgram(tmp_path / "cache")
    with pytest.raises(JarsUnavailable, match=r"a:registry:1:all cannot be unpacked"):
        program.fetch()
    assert not program.directory.exists()
    assert not JarCache(tmp_path / "cache" / "jars", []).path(read_lock(registry_program._LOCK)[0]).exists()


def test_a_registry_that_is_not_there_is_named_with_its_setting() -> None:
    """The message names the setting and the address, and never the password."""
    with pytest.raises(Unreachable, match=r"SEAWALL_REGISTRY_URL.*127\.0\.0\.1:9/x") as caught:
        check("http://user:secret@127.0.0.1:9/x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("path", "said"), [("", "no schema registry"), ("/nowhere", "answers 404")])
def test_a_server_that_is_no_registry_is_named(path: str, said: str, tmp_path: Path) -> None:
    """It answers, but not as a registry does."""
    (tmp_path / "config").write_text("<html>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(Unreachable, match=f"SEAWALL_REGISTRY_URL.*{said}"):
            check(f"http://127.0.0.1:{server.server_address[1]}{path}")
        server.shutdown()


@pytest.mark.long
def test_a_registry_is_closed_to_others_and_keeps_ids_over_a_kill(tmp_path: Path) -> None:
    """It listens on loopback alone, asks for its password, and still knows after SIGKILL what an id means."""
    schema = {"schema": '{"type":"string"}'}
    with running(tmp_path / "registry") as (registry, process):
        parts = urlsplit(registry.url)
        open_url = f"http://{parts.hostname}:{parts.port}{parts.path}"
        for user in (None, ("seawall", "guessed")):
            assert httpx.get(f"{open_url}/subjects", auth=user).status_code == 401
        with pytest.raises(Unreachable, match="user or password are wrong"):
            check(registry.url.replace("seawall:", "seawall:x"))
        assert check(registry.url) == "a schema registry, compatibility BACKWARD"
        listening = [one.laddr.ip for one in psutil.Process(process.pid).net_connections() if one.status == "LISTEN"]
        assert len(listening) == 2
        assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
        number = httpx.post(f"{registry.url}/subjects/a-value/versions", json=schema).json()["id"]
    with running(tmp_path / "registry", registry):
        assert httpx.get(f"{registry.url}/schemas/ids/{number}").json()["schema"] == schema["schema"].replace(
            '{"type":"string"}', '"string"'
        )
        assert read_settings(registry.url) == {"compatibility": "BACKWARD"}


@pytest.mark.long
def test_a_stack_has_one_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its version, its settings, and its address among what the services are given."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    stack = Stack.up(StackOptions(kafka=False, registry=True), owner="tests")
    try:
        assert stack.state.services["registry"].version.startswith("Apicurio 3.")
        assert stack.settings()["registry"]["compatibility"] == "BACKWARD"
        assert check(stack.state.environment["SEAWALL_REGISTRY_URL"])
    finally:
        stack.down()
