"""Loads that change, as Locust shapes: each is a profile of rates that all users follow together.

A locustfile that imports one of them makes it the shape of the run::

    locust -f locustfiles/ingest.py,locustfiles/shapes/spike.py Writes --headless --csv out

Locust's own shapes change the number of users, once a second. Here all users are there from the start, and their
schedules follow the rate exactly: `tick` only asks for them, and says when the profile is at its end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, ClassVar

from locust import LoadTestShape
from locust.env import Environment

from seawall.load.profile import ATTAIN_PER_S, HEADROOM, Profile, Stage
from seawall.load.shape_options import ShapeOptions, check_no_shape, check_shape_run

LATE_S = 2.0
"""So long after its last moment late requests are still sent: one that was due right before it is not missing."""
SPAWNED_PER_S = 100
"""By each process: Locust warns of more, which is done only where it would take longer than `SPAWNED_WITHIN_S`."""
SPAWNED_WITHIN_S = 20


class ProfileShape(LoadTestShape):
    """A shape whose users follow a profile; a subclass says which."""

    abstract = True
    peak_per_s: ClassVar[float] = 1_000.0
    """The highest rate, where ``--peak-rate`` does not say."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._over_ns: int | None = None

    @classmethod
    def stages(cls, peak_per_s: float, stage_s: float) -> Iterator[Stage]:
        """Yield the stages for a highest rate and a time of each plateau."""
        raise NotImplementedError

    @classmethod
    def profile(cls, options: ShapeOptions) -> Profile:
        """Return the profile for *options*."""
        stages = cls.stages(options.peak_per_s or cls.peak_per_s, options.stage_s)
        return Profile(name=cls.__name__, stages=tuple(stages))

    def begins(self, end_ns: int) -> None:
        """Hear that the profile begins, and when its last moment will have come, monotonic."""
        self._over_ns = end_ns + int(LATE_S * 1e9)

    def reset_time(self) -> None:
        """Be ready for another run."""
        super().reset_time()  # type: ignore[no-untyped-call]
        self._over_ns = None

    def tick(self) -> tuple[int, float] | None:
        """Return how many users there are, all the time, and at what rate they come; None when the profile is over."""
        if self._over_ns is not None and time.monotonic_ns() >= self._over_ns:
            return None
        assert self.runner is not None
        options = ShapeOptions.of(self.runner.environment.parsed_options)
        users = options.users_for(self.profile(options))
        processes = max(1, getattr(self.runner, "worker_count", 1))
        return users, min(users, max(SPAWNED_PER_S * processes, users / SPAWNED_WITHIN_S))


class Spike(ProfileShape):
    """A tenth of the rate, all of it for a stage, and a tenth again: does the service come back?"""

    @classmethod
    def stages(cls, peak_per_s: float, stage_s: float) -> Iterator[Stage]:
        """Yield them."""
        low = peak_per_s / 10
        yield _level("before", stage_s, low)
        yield _move("up", stage_s / 10, low, peak_per_s)
        yield _level("spike", stage_s, peak_per_s)
        yield _move("down", stage_s / 10, peak_per_s, low)
        yield _level("after", stage_s, low)


class Steps(ProfileShape):
    """A quarter, half, three quarters and all of the rate, each at once."""

    @classmethod
    def stages(cls, peak_per_s: float, stage_s: float) -> Iterator[Stage]:
        """Yield them."""
        for step in (1, 2, 3, 4):
            yield _level(f"step {step}", stage_s, peak_per_s * step / 4)


class Ramp(ProfileShape):
    """From nothing to the rate in three stages' time, which is then held for a stage."""

    @classmethod
    def stages(cls, peak_per_s: float, stage_s: float) -> Iterator[Stage]:
        """Yield them."""
        yield _move("ramp", 3 * stage_s, 0.0, peak_per_s)
        yield _level("peak", stage_s, peak_per_s)


class Breakpoint(ProfileShape):
    """Ten steps, each a tenth of the rate higher: where does the service break?"""

    @classmethod
    def stages(cls, peak_per_s: float, stage_s: float) -> Iterator[Stage]:
        """Yield them."""
        for step in range(1, 11):
            yield _level(f"step {step}", stage_s, peak_per_s * step / 10)


class Soak(ProfileShape):
    """The rate, held for six stages' time, each judged by itself: does the service get worse?"""

    @classmethod
    def stages(cls, peak_per_s: float, stage_s: float) -> Iterator[Stage]:
        """Yield them."""
        yield _move("up", stage_s / 2, 0.0, peak_per_s)
        for part in range(1, 7):
            yield _level(f"part {part}", stage_s, peak_per_s)
        yield _move("down", stage_s / 2, peak_per_s, 0.0)


class Attain(ProfileShape):
    """The stages of ``bin/seawall attain``, one after the other: 1, 5, 10 and 12 twelfths of the rate."""

    peak_per_s = HEADROOM * ATTAIN_PER_S[-1]

    @classmethod
    def stages(cls, peak_per_s: float, stage_s: float) -> Iterator[Stage]:
        """Yield them."""
        before = 0.0
        for number, load in enumerate(ATTAIN_PER_S, start=1):
            rate = peak_per_s * load / ATTAIN_PER_S[-1]
            yield _move(f"to stage {number}", stage_s / 5, before, rate)
            yield _level(f"stage {number}", stage_s, rate)
            before = rate


def shape_of(environment: Environment) -> ProfileShape | None:
    """Return the shape of the run, where it is one of ours."""
    shape = environment.shape_class
    return shape if isinstance(shape, ProfileShape) else None


def chosen_profile(environment: Environment, options: Any) -> Profile | None:
    """Return the profile that users of the coming run follow; None without a shape."""
    shape = shape_of(environment)
    return shape.profile(ShapeOptions.of(options)) if shape is not None else None


def check_shape(shape: object, options: Any) -> None:
    """Raise `ValueError` where a run of *shape*, None for one without, cannot be meant with its *options*."""
    if isinstance(shape, ProfileShape):
        check_shape_run(options, shape.profile(ShapeOptions.of(options)))
    else:
        check_no_shape(options)


def _level(name: str, duration_s: float, rate_per_s: float) -> Stage:
    return Stage(name=name, duration_s=duration_s, from_per_s=rate_per_s, to_per_s=rate_per_s)


def _move(name: str, duration_s: float, from_per_s: float, to_per_s: float) -> Stage:
    return Stage(name=name, duration_s=duration_s, from_per_s=from_per_s, to_per_s=to_per_s)
