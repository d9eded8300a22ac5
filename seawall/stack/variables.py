"""Environment variables that a running stack's services are started anew with, by the kind of service.

They lie in a file of the stack, so that a service which dies meanwhile comes back with them, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.stack.state import StackState
from seawall.tuning.kafka_settings import TRANSACTIONS
from seawall.tuning.knob import Place

Variables = Mapping[str, Mapping[str, str]]
KINDS = ("api", "sink")


def variables_of(data: Path, kind: str) -> dict[str, str]:
    """Return the variables of a *kind* of service of the stack with this *data* directory."""
    return read_variables(data).get(kind, {})


def transactional(state: StackState) -> bool:
    """Tell whether the API of the stack writes in transactions now."""
    started_with = {**state.options.settings.texts(Place.API), **state.options.environment}
    now = variables_of(Path(state.data_dir), "api")
    return {**started_with, **now}.get(TRANSACTIONS, "none") != "none"


def read_variables(data: Path) -> dict[str, dict[str, str]]:
    """Return the variables by kind; none where nobody has written any."""
    try:
        return msgspec.json.decode(_place(data).read_bytes(), type=dict[str, dict[str, str]])
    except FileNotFoundError:
        return {}


def write_variables(data: Path, variables: Variables) -> None:
    """Have services that start from now on get *variables* and no others."""
    place = _place(data)
    partial = place.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_bytes(msgspec.json.encode(variables))
    partial.replace(place)


def _place(data: Path) -> Path:
    return data / "variables.json"
