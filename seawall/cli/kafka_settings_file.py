"""The settings of Kafka that a stack is started with: a file of one's own, or a profile of the repository."""

from __future__ import annotations

from pathlib import Path

from seawall.experiments.errors import BadOptions
from seawall.stack import jvm
from seawall.stack.places import ROOT
from seawall.tuning.errors import BadSettings
from seawall.tuning.kafka_settings import KafkaSettings, read_settings
from seawall.tuning.knob import Place
from seawall.tuning.rules import mistakes_of

PROFILES = ROOT / "profiles"


def profile_names() -> list[str]:
    """Return the names that `--profile` takes."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def kafka_settings(path: Path | None, brokers: int, profile: str = "") -> KafkaSettings:
    """Return what the file or the profile holds, nothing without either; raises `BadOptions` with every mistake."""
    if profile:
        if path is not None:
            raise BadOptions([
                f"--profile: leave --settings out, or copy profiles/{profile}.toml and change it: it is such a file"
            ])  # fmt: skip
        if profile not in (known := profile_names()):
            raise BadOptions([f"--profile: unknown {profile!r}, known are {', '.join(known)}"])
        path = PROFILES / f"{profile}.toml"
    if path is None:
        return KafkaSettings()
    try:
        found = read_settings(path)
    except BadSettings as error:
        raise BadOptions(error.mistakes) from None
    mistakes = mistakes_of(found, brokers=brokers)
    if not mistakes and (obstacle := jvm.obstacle(found.texts(Place.STACK), brokers)):
        mistakes = [obstacle]
    if mistakes:
        raise BadOptions([f"{path}: {mistake}" for mistake in mistakes])
    return found
