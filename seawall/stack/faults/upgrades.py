"""Other processes take over while a load runs: one by one, all at once, or a share of the requests first.

A new release is a process like the old one here: what is tried is the change, and not what changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from seawall.stack.balancer import ALL_WEIGHT, Control
from seawall.stack.faults.fault import Field, NoEffect, wait_until
from seawall.stack.fleet import Fleet
from seawall.stack.state import StackState

_SETTLED_WITHIN_S = 60.0
_IDLE_WITHIN_S = 10.0
_WATCHED_S = 3.0
"""So long a share of the requests is kept."""
_CANARY = 0.1


class Rolling:
    """Each process gets a successor: of another name, which is ready before it goes, or else of its own name."""

    def __init__(self, fleet: Fleet, *, in_place: bool = False) -> None:
        self._fleet, self._in_place = fleet, in_place
        self._before = fleet.wanted
        self._replaced: list[str] = []

    def begin(self) -> None:
        """Replace all, one after the other."""
        for old in self._before:
            new = old if self._in_place else _spare(self._fleet)[0]
            if self._in_place:
                self._fleet.stop(old)
                if not wait_until(lambda old=old: not self._fleet.runs(old), _SETTLED_WITHIN_S):  # type: ignore[misc]
                    raise NoEffect(f"{old} did not end within {_SETTLED_WITHIN_S:g} s")
            self._fleet.start(new)
            self._fleet.await_settled(_SETTLED_WITHIN_S)
            if not self._in_place:
                self._fleet.stop(old)
                self._fleet.await_settled(_SETTLED_WITHIN_S)
            self._replaced.append(f"{old} again" if self._in_place else f"{new} for {old}")

    def end(self) -> None:
        """Have as many run as before."""
        _put_back(self._fleet, len(self._before))

    def bite(self) -> str:
        """Name the successors."""
        return ", ".join(self._replaced) if len(self._replaced) == len(self._before) else ""


class Switch:
    """As many new API processes as there are take over at once: blue-green."""

    shares: tuple[float, ...] = ()

    def __init__(self, field: Field) -> None:
        self._fleet = field.fleets["api"]
        self._control = Control(Path(field.stack.state.data_dir))
        self._old = self._fleet.wanted
        self._new = _spare(self._fleet)[: len(self._old)]
        self._seen: list[str] = []

    def begin(self) -> None:
        """Start the new ones without requests, switch, and end the old ones once they are idle."""
        self._come(self._new)
        self._take_over()

    def end(self) -> None:
        """Let the balancer treat all alike, and have as many run as before."""
        for name in self._fleet.names:
            self._control.set_weight(name, ALL_WEIGHT)
            self._control.set_state(name, "ready")
        _put_back(self._fleet, len(self._old))

    def bite(self) -> str:
        """Say by the balancer's counts what the new ones answered."""
        return f"{', '.join(self._new)} for {', '.join(self._old)}: {'; '.join(self._seen)}" if self._seen else ""

    def _come(self, names: list[str]) -> None:
        for name in names:
            self._control.set_state(name, "drain")
            self._fleet.start(name)
        self._fleet.await_settled(_SETTLED_WITHIN_S)

    def _take_over(self) -> None:
        for name in self._new:
            self._control.set_weight(name, ALL_WEIGHT)
            self._control.set_state(name, "ready")
        for name in self._old:
            self._control.set_state(name, "drain")
        self._watch()
        if not wait_until(self._is_idle, _IDLE_WITHIN_S):
            raise NoEffect(f"{', '.join(self._old)} still had requests after {_IDLE_WITHIN_S:g} s")
        for name in self._old:
            self._fleet.stop(name)
        self._fleet.await_settled(_SETTLED_WITHIN_S)

    def _is_idle(self) -> bool:
        servers = self._control.servers()
        return not any(int(servers[name]["scur"]) for name in self._old)

    def _watch(self) -> None:
        """Wait, and note which share of the answers meanwhile was the new ones'."""
        before = self._answered()
        time.sleep(_WATCHED_S)
        counts = {name: count - before[name] for name, count in self._answered().items()}
        mine, all_of_them = sum(counts[name] for name in self._new), sum(counts.values())
        if all_of_them:
            self._seen.append(f"{mine:,} of {all_of_them:,} answers in {_WATCHED_S:g} s ({mine / all_of_them:.0%})")

    def _answered(self) -> dict[str, int]:
        servers = self._control.servers()
        return {name: int(servers[name]["hrsp_2xx"] or 0) for name in self._fleet.names}


class Canary(Switch):
    """One new API process answers a tenth of the requests, then as many new as old half of them, then all."""

    def begin(self) -> None:
        """Go on from share to share, each watched for a while."""
        first, *others = self._new
        self._come([first])
        # the share of one among as many old ones as there are
        self._control.set_weight(first, max(1, round(ALL_WEIGHT * len(self._old) * _CANARY / (1 - _CANARY))))
        self._control.set_state(first, "ready")
        self._watch()
        self._come(others)
        for name in self._new:
            self._control.set_weight(name, ALL_WEIGHT)
            self._control.set_state(name, "ready")
        self._watch()
        self._take_over()


def upgrade(kind: str, *, in_place: bool = False) -> Callable[[Field], Rolling]:
    """Return what replaces all services of a kind one by one."""

    def make(field: Field) -> Rolling:
        return Rolling(field.fleets[kind] if kind in field.fleets else Fleet(field.stack, kind), in_place=in_place)

    return make


def no_spares(state: StackState) -> str:
    """Say that a stack has no further processes that could take over, where that is so."""
    return "" if state.options.balancer else "it needs processes to spare and HAProxy: ask for it by --faults"


def _spare(fleet: Fleet) -> list[str]:
    return [name for name in fleet.names if name not in fleet.wanted]


def _put_back(fleet: Fleet, count: int) -> None:
    if len(fleet.wanted) != count:
        fleet.scale_to(count)
    fleet.await_settled(_SETTLED_WITHIN_S)
