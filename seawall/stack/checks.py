"""What `doctor` tests: each check returns what it found, and what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from contract.connections import MARIADB, Connections
from contract.errors import ContractError
from seawall.stack import api, balancer, http_cache, jvm, kafka, mariadb, places, postgres, registry, valkey
from seawall.stack.class_archive import ClassArchive
from seawall.stack.errors import NoJava, NoSpark, ServerFailed, StackError
from seawall.stack.jars import JarCache, kafka_version
from seawall.stack.java import find_java
from seawall.stack.limits import MANY_USERS, Limits
from seawall.stack.registry_program import RegistryProgram
from seawall.stack.state import last_state, read_state

_OLDEST_PYTHON = (3, 11)
_ENOUGH_BYTES = 2 * 2**30


class Verdict(Enum):
    """What a finding means."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Finding(NamedTuple):
    """One line of a check."""

    verdict: Verdict
    text: str


class Check(NamedTuple):
    """A test by name; *run* never raises."""

    name: str
    test: Callable[[], list[Finding]]

    def run(self) -> list[Finding]:
        """Return the findings; an error of the stack is one."""
        try:
            return self.test()
        except (StackError, ContractError) as error:
            return [Finding(Verdict.WRONG, str(error))]
        except OSError as error:
            return [Finding(Verdict.WRONG, f"{error.filename or 'the system'}: {error.strerror or error}")]


def _python() -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST_PYTHON:
        return [Finding(Verdict.WRONG, f"{version} is too old; 3.11 or newer is needed (see SEAWALL_PYTHON)")]
    return [Finding(Verdict.OK, f"{version} in {sys.prefix}")]


def _java() -> list[Finding]:
    found = find_java()
    return [Finding(Verdict.OK, f"{found.version} from {found.source} ({found.program}), heap {jvm.heap_size({})}")]


def _jars() -> list[Finding]:
    jars = JarCache()
    missing = jars.missing()
    if len(missing) == len(jars.jars):
        return [Finding(Verdict.WARNING, f"not fetched yet; the first start brings them to {jars.folder}")]
    if broken := [jar for jar in jars.broken() if jar not in missing]:
        for jar in broken:
            jars.path(jar).unlink(missing_ok=True)
        names = ", ".join(jar.filename for jar in broken)
        return [
            Finding(Verdict.WARNING, f"not what the lock pins, removed; the next start fetches them again: {names}")
        ]
    if missing:
        names = ", ".join(jar.filename for jar in missing)
        return [Finding(Verdict.WARNING, f"missing or cut off; the next start fetches them again: {names}")]
    return [Finding(Verdict.OK, f"Kafka {kafka_version()}, {len(jars.jars)} files as pinned, in {jars.folder}")]


def _classes() -> list[Finding]:
    if ClassArchive(find_java(), JarCache()).complete:
        return [Finding(Verdict.OK, "archived, so that brokers start in half the time")]
    return [Finding(Verdict.OK, "not archived yet; the next broker that ends leaves them to later ones")]


def _disk() -> list[Finding]:
    home = places.make_home()
    free = shutil.disk_usage(home).free
    verdict = Verdict.OK if free >= _ENOUGH_BYTES else Verdict.WARNING
    return [Finding(verdict, f"{free / 2**30:.1f} GB free at {home}")]


def _limits() -> list[Finding]:
    limits = Limits.read()
    if obstacles := limits.obstacles(MANY_USERS):
        return [Finding(Verdict.WARNING, text) for text in obstacles]
    files = "any number of" if limits.files is None else f"{limits.files:,}"
    return [Finding(Verdict.OK, f"up to {files} open files a process, and ports enough for {MANY_USERS:,} users")]


def _user() -> list[Finding]:
    user = places.unprivileged_user()
    if user is None:
        return [Finding(Verdict.OK, f"user number {os.geteuid()} runs everything")]
    place = places.make_private(user, "doctor")
    place.rmdir()
    return [Finding(Verdict.OK, f"as root; PostgreSQL then runs as `{user}`, its data below {place.parent}")]


def _stack() -> list[Finding]:
    if (state := read_state()) is not None:
        return [Finding(Verdict.OK, f"run {state.run} is up at {state.api_url}")]
    if last_state() is not None:
        return [Finding(Verdict.WARNING, "one ended without cleaning up, or is starting; the next `up` or `down` does")]
    return [Finding(Verdict.OK, "none is running")]


def _database() -> list[Finding]:
    given = Connections.read()
    if given.database_url is None:
        return [Finding(Verdict.OK, "embedded")]
    if given.database == MARIADB:
        return [Finding(Verdict.OK, f"external, {mariadb.check(given.plain_database_url)}")]
    found = [Finding(Verdict.OK, f"external, PostgreSQL {postgres.check(given.psycopg_url)}")]
    if given.database_replica_url is not None:
        url = given.database_replica_url.get_secret_value()
        version = postgres.check(url, "SEAWALL_DATABASE_REPLICA_URL")
        found.append(Finding(Verdict.OK, f"a replica for lookups, PostgreSQL {version}"))
    return found


def _mariadb() -> list[Finding]:
    try:
        found = mariadb.program()
    except ServerFailed:
        return [Finding(Verdict.OK, "none of 10.6 or later is installed; nothing but --database mariadb needs one")]
    return [Finding(Verdict.OK, f"{mariadb.version_of(found)} at {found}, for --database mariadb")]


def _cache() -> list[Finding]:
    given = Connections.read()
    if given.cache_url is None:
        return [Finding(Verdict.OK, "embedded")]
    return [Finding(Verdict.OK, f"external, {valkey.check(given.redis_url)}")]


def _http_cache() -> list[Finding]:
    try:
        return [Finding(Verdict.OK, f"{http_cache.version(http_cache.program())}, for --http-cache")]
    except ServerFailed:
        return [Finding(Verdict.OK, "no nginx of 1.13 or later is installed; nothing but --http-cache needs one")]


def _balancer() -> list[Finding]:
    needs = "`scale --autoscale api` and `fault --faults upgrade-api`"
    try:
        return [Finding(Verdict.OK, f"{balancer.version(balancer.program())}, for {needs}")]
    except ServerFailed:
        return [Finding(Verdict.OK, f"no HAProxy of 2.4 or later is installed; nothing but {needs} needs one")]


def _log() -> list[Finding]:
    given = Connections.read()
    if given.kafka_bootstrap_servers is None:
        return [Finding(Verdict.OK, "embedded")]
    return [Finding(Verdict.OK, f"external, {kafka.check(given.kafka)}")]


def _registry() -> list[Finding]:
    given = Connections.read()
    if given.registry_url is not None:
        return [Finding(Verdict.OK, f"external, {registry.check(given.registry_url.get_secret_value())}")]
    program = RegistryProgram()
    if program.complete:
        return [Finding(Verdict.OK, f"Apicurio Registry {program.version}, for --registry, in {program.directory}")]
    size = f"{program.size_bytes / 1e6:.0f} MB"
    return [
        Finding(Verdict.OK, f"not fetched yet; the first `up --registry` brings it ({size}), nothing else needs it")
    ]


def _spark() -> list[Finding]:
    from seawall.stack import spark  # noqa: PLC0415 - an extra, and its module knows all of a stack

    needs = "`stream spark`"
    try:
        java = spark.require_spark()
    except NoSpark:
        return [Finding(Verdict.OK, f"not installed; nothing but {needs} needs it: {spark.INSTALL}")]
    except NoJava as error:
        return [Finding(Verdict.WARNING, str(error))]
    return [Finding(Verdict.OK, f"{spark.spark_versions()['spark']} with the Java at {java}, for {needs}")]


def _api() -> list[Finding]:
    url = Connections.read().api_url
    if not url:
        return [Finding(Verdict.OK, "embedded")]
    return [Finding(Verdict.OK, f"external, at {url} {api.check(url)}".rstrip())]


CHECKS = (
    Check("Python", _python),
    Check("Java", _java),
    Check("jars", _jars),
    Check("classes", _classes),
    Check("disk", _disk),
    Check("limits", _limits),
    Check("user", _user),
    Check("stack", _stack),
    Check("database", _database),
    Check("MariaDB", _mariadb),
    Check("Valkey", _cache),
    Check("Kafka", _log),
    Check("registry", _registry),
    Check("HTTP cache", _http_cache),
    Check("balancer", _balancer),
    Check("Spark", _spark),
    Check("API", _api),
)
