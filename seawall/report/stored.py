"""Results that a run left in its directory, read back with words for whatever is wrong with them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seawall.report.errors import NewerResult, NoResult
from seawall.result import SCHEMA_VERSION, Result

NAME = "result.json"


class _Version(msgspec.Struct):
    schema_version: int
    experiment: str


def stored_result(directory: Path) -> Result:
    """Return the result in *directory*; raises `NoResult` or `NewerResult` with what to do."""
    if not directory.is_dir():
        raise NoResult(f"{directory} is no directory: give the one that a run wrote, such as results/<time>-compare")
    return result_in_file(directory / NAME)


def result_in_file(path: Path) -> Result:
    """Return the result in the file at *path*; raises `NoResult` or `NewerResult` with what to do."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NoResult(
            f"{path.parent} holds no {path.name}: a run that ended before its first trial leaves none"
        ) from None
    except OSError as error:
        raise NoResult(f"{path} cannot be read: {error.strerror}") from None
    try:
        version = msgspec.json.decode(content, type=_Version).schema_version
    except msgspec.ValidationError:
        raise NoResult(f"{path} is not a result of Seawall: it has no schema_version and experiment") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoResult(f"{path} is cut off or no JSON: copy the directory again from where the run wrote it") from None
    if version > SCHEMA_VERSION:
        raise NewerResult(
            f"{path} has schema version {version}, and this Seawall knows {SCHEMA_VERSION}: use the newer Seawall"
        )
    try:
        result = msgspec.json.decode(content, type=Result)
    except msgspec.ValidationError as error:
        raise NoResult(f"{path} is not as its schema version {version} says: {error}") from None
    named = {*(trial.arm for trial in result.trials), *(row.arm for row in result.comparisons)}
    if strangers := named - {arm.name for arm in result.arms}:
        raise NoResult(f"{path} tells of {min(strangers)!r}, which is none of its arms: somebody changed it by hand")
    return result
