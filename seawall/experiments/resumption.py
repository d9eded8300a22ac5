"""An experiment that was interrupted, gone on with: what counts of it, and whether it is the same one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from seawall.experiments.compare_options import CompareOptions
from seawall.experiments.errors import BadOptions
from seawall.result import Outcome, Result


def resumable(found: Result, options: CompareOptions, directory: Path) -> Result:
    """Return what counts of the result *found* in *directory*: all but the trials that were INVALID.

    Raises `BadOptions` where it is of another experiment, or of other options, each of which is named.
    """
    if found.experiment != options.experiment:
        raise BadOptions([f"--resume: {directory} is a run of {found.experiment}, and this is {options.experiment}"])
    then, now = (msgspec.json.decode(msgspec.json.encode(one)) for one in (found.options, options.as_json()))
    mistakes = [
        f"--resume: {directory} was run with {name} = {_text(then.get(name))}, and now it is"
        f" {_text(now.get(name))}: give the options of then, or start anew"
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    ]
    if mistakes:
        raise BadOptions(mistakes)
    return msgspec.structs.replace(found, trials=[one for one in found.trials if one.outcome is not Outcome.INVALID])


def remove_others(directory: Path, earlier: Result) -> None:
    """Remove the raw columns in *directory* of trials that do not count, which are run again."""
    kept = {f"{trial.name}.parquet" for trial in earlier.trials}
    for path in (directory / "raw").glob("*"):
        if path.name not in kept:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
