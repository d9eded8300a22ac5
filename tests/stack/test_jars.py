"""Kafka's jars in the cache."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from seawall.stack.errors import JarsUnavailable, NoPlace
from seawall.stack.jars import Jar, JarCache, read_lock
from seawall.stack.stack import Stack


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def jar(stack: Stack) -> Jar:
    """Return a small jar that the running stack has fetched."""
    return min(JarCache().jars, key=lambda one: one.size_bytes)


@pytest.fixture
def repository(tmp_path: Path, jar: Jar, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a Maven repository that holds the one jar; return the jar's path in it."""
    root = tmp_path / "repository"
    place = root.joinpath(*jar.group.split("."), jar.artifact, jar.version, jar.filename)
    place.parent.mkdir(parents=True)
    shutil.copyfile(JarCache().path(jar), place)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("SEAWALL_MAVEN_REPOSITORY", f"http://127.0.0.1:{server.server_address[1]}")
    yield place
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_line_of_the_lock_is_pinned() -> None:
    """Each jar has a coordinate, a size and a SHA-256, and none stands there twice."""
    jars = read_lock()
    assert all(one.size_bytes > 0 and len(bytes.fromhex(one.sha256)) == 32 for one in jars)
    assert len({one.filename for one in jars}) == len(jars)


def test_all_parts_of_kafka_have_one_version() -> None:
    """No dependency has dragged in the clients of another version."""
    assert {one.version for one in read_lock() if one.group == "org.apache.kafka"} == {"4.3.1"}


def test_a_missing_jar_is_fetched_and_checked(tmp_path: Path, jar: Jar, repository: Path) -> None:
    """What was fetched is there, whole, with nothing left beside it."""
    cache = JarCache(tmp_path / "cache", [jar])
    seen: list[tuple[int, int]] = []
    cache.fetch(cache.missing(), lambda done, total: seen.append((done, total)))
    assert cache.broken() == []
    assert seen[-1] == (jar.size_bytes, jar.size_bytes)
    assert [path.name for path in cache.folder.iterdir() if not path.name.startswith(".")] == [jar.filename]


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_jar_is_noticed_and_fetched_again(tmp_path: Path, jar: Jar, repository: Path, damage: str) -> None:
    """Neither a jar that was cut off nor one of the right size with other bytes passes for good."""
    cache = JarCache(tmp_path / "cache", [jar])
    cache.folder.mkdir()
    cache.path(jar).write_bytes(bytes(100 if damage == "truncated" else jar.size_bytes))
    assert cache.broken() == [jar]
    cache.fetch(cache.broken())
    assert cache.broken() == []


def test_other_bytes_than_the_lock_pins_never_reach_the_cache(tmp_path: Path, jar: Jar, repository: Path) -> None:
    """A repository that serves something else is an error, and the cache stays empty."""
    repository.write_bytes(bytes(jar.size_bytes))
    cache = JarCache(tmp_path / "cache", [jar])
    with pytest.raises(JarsUnavailable, match="SHA-256"):
        cache.fetch(cache.missing())
    assert cache.missing() == [jar]


def test_a_jar_that_cannot_be_had_is_named(tmp_path: Path, jar: Jar, repository: Path) -> None:
    """A repository without the jar is an error that names the coordinate and the setting."""
    repository.unlink()
    cache = JarCache(tmp_path / "cache", [jar])
    with pytest.raises(JarsUnavailable, match=f"{jar.artifact}.*SEAWALL_MAVEN_REPOSITORY"):
        cache.fetch(cache.missing())


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, jar: Jar) -> None:
    """A file where the cache should be is an error that names the setting."""
    (tmp_path / "file").touch()
    with pytest.raises(NoPlace, match="XDG_CACHE_HOME"):
        JarCache(tmp_path / "file" / "jars", [jar]).fetch([jar])
