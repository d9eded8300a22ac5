"""What a load that changes can be told: how high it goes, how long it stays, and how many users share it."""

from __future__ import annotations

import math
import re
from argparse import ArgumentParser
from typing import Any, Self

import msgspec

from seawall.load.profile import Profile

STAGE_S = 40.0
"""At a hundred requests a second that is enough to tell whether one in a thousand fails."""
SHORTEST_S, LONGEST_S = 1.0, 24 * 3600.0
MOST_PER_S = 1_000_000.0
MOST_USERS = 50_000
MOST_REQUESTS = 50_000_000
"""Of one run; to judge it, all of its moments are told once more."""
USERS_AT_MOST = 10_000
"""Where nobody says how many; below that each sends once a second at the highest rate, as `--user-rate` has it."""
_CLASHING = {
    "num_users": ("-u", "--shape-users is the number of users, all of them there from the start"),
    "spawn_rate": ("-r", "all users are there from the start"),
    "run_time": ("-t", "--stage-time says how long each stage is"),
    "enable_rebalancing": ("--enable-rebalancing", "the schedule of a worker is its own"),
}
"""Locust would leave the first three aside, with a warning."""


def add_shape_options(parser: ArgumentParser) -> None:
    """Add the options to Locust's parser; texts, since they need not be given and the page keeps a default's type."""
    parser.add_argument(
        "--peak-rate",
        default="",
        env_var="SEAWALL_PEAK_RATE",
        help="With a shape of locustfiles/shapes: the highest rate, in requests a second of all users together"
        " (default 1000; Attain: 12120)",
    )
    parser.add_argument(
        "--stage-time",
        default="",
        metavar="TIME",
        env_var="SEAWALL_STAGE_TIME",
        help="With a shape: how long each of its plateaus is, such as 30s or 5m (default 40s)",
    )
    parser.add_argument(
        "--shape-users",
        default="",
        env_var="SEAWALL_SHAPE_USERS",
        help="With a shape: how many users share its rate (default: one for each request a second of the highest rate,"
        " at most 10,000)",
    )


class ShapeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for; None where the shape itself says."""

    peak_per_s: float | None
    stage_s: float
    users: int | None

    @classmethod
    def of(cls, options: Any) -> Self:
        """Read what Locust parsed, or its page sent; raises `ValueError` with all that is wrong."""
        wrong: list[str] = []
        peak = _number(options.peak_rate)
        if peak is not None and not 0 < peak <= MOST_PER_S:
            wrong.append(
                f"--peak-rate must be a number above 0 and up to {MOST_PER_S:,.0f}, and {options.peak_rate!r} is not"
            )
        stage_s = seconds_of(options.stage_time) if options.stage_time.strip() else STAGE_S
        if stage_s is None or not SHORTEST_S <= stage_s <= LONGEST_S:
            wrong.append(f"--stage-time takes a time from 1s to 24h, such as 30s, and {options.stage_time!r} is none")
        users = _number(options.shape_users)
        if users is not None and not (1 <= users <= MOST_USERS and users == int(users)):
            wrong.append(
                f"--shape-users must be a whole number from 1 to {MOST_USERS:,}, and {options.shape_users!r} is not"
            )
        if wrong:
            raise ValueError("; ".join(wrong))
        return cls(peak_per_s=peak, stage_s=stage_s or STAGE_S, users=None if users is None else int(users))

    def users_for(self, profile: Profile) -> int:
        """Return how many users follow *profile*."""
        return self.users or max(1, min(USERS_AT_MOST, math.ceil(profile.peak_per_s), int(profile.count)))


def check_shape_run(options: Any, profile: Profile) -> None:
    """Raise `ValueError` where *profile* cannot be meant together with the other *options*, with all that is wrong."""
    wrong = []
    least = min((stage for stage in profile.stages if stage.judged), key=lambda stage: stage.count)
    if least.count < 1:
        wrong.append(
            f"stage {least.name!r} of {profile.name} would hold no request: give a higher --peak-rate, or a longer"
            " --stage-time"
        )
    if profile.count > MOST_REQUESTS:
        wrong.append(f"{profile.name} would hold {profile.count:,.0f} requests, and {MOST_REQUESTS:,} are the most")
    users = ShapeOptions.of(options).users_for(profile)
    if users > profile.count >= 1:
        wrong.append(f"--shape-users {users:,}: {profile.name} holds {profile.count:,.0f} requests, fewer than users")
    if options.user_rate != 1.0:
        wrong.append(f"--user-rate has no meaning with {profile.name}: --peak-rate is that of all users together")
    if options.arrival == "closed":
        wrong.append(f"--arrival closed has no meaning with {profile.name}, which is a schedule")
    if options.judge_from.strip():
        wrong.append(f"--judge-from has no meaning with {profile.name}: each of its stages is judged by itself")
    if wrong:
        raise ValueError("; ".join(wrong))


def check_clashes(options: Any, shapes: list[str], *, chosen_in_page: bool) -> None:
    """Raise `ValueError` where options of the command line and *shapes*, the names of those loaded, are no one run."""
    if len(shapes) > 1 and not chosen_in_page:
        raise ValueError(f"{', '.join(sorted(shapes))} are {len(shapes)} shapes, and a run has one: give one by -f")
    wrong = [f"{flag} has no meaning with a shape: {why}" for name, (flag, why) in _CLASHING.items()
             if getattr(options, name, None)]  # fmt: skip
    if wrong:
        raise ValueError("; ".join(wrong))


def check_no_shape(options: Any) -> None:
    """Raise `ValueError` where *options* of shapes were given for a run without one."""
    for name in ("peak_rate", "stage_time", "shape_users"):
        if str(getattr(options, name)).strip():
            raise ValueError(
                f"--{name.replace('_', '-')} is for a load that changes: take a shape, such as the one of -f"
                " locustfiles/ingest.py,locustfiles/shapes/spike.py"
            )


def seconds_of(text: str) -> float | None:
    """Return a time such as ``30s``, ``1.5m`` or ``2h`` in seconds; None where it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h)?", text.strip())
    return float(found[1]) * {"m": 60, "h": 3600}.get(found[2], 1) if found else None


def _number(value: Any) -> float | None:
    """Return the number in a text, and one that no limit lets pass where it is none; None for an empty text."""
    text = str(value).strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan
