"""What `locust -f` can be told about the load: options on the command line, in the environment and in the web page."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self, get_args

import msgspec

from contract.entities import ENTITIES
from contract.ids import Run, new_run
from contract.samples import Shape, check_shape
from contract.topics import PARTITIONS
from seawall.load.pace import Arrival
from seawall.load.payloads import MIXES
from seawall.load.profile import Profile
from seawall.load.shape_options import ShapeOptions, add_shape_options, seconds_of
from seawall.stack.places import ROOT
from seawall.stack.state import read_state
from seawall.targets.errors import BadTargets
from seawall.targets.parse import parse_targets

PATHS = ("sync", "grouped", "kafka")
ATTAIN = "attain"
DEFAULT_TARGETS = (Path("targets.toml"), ROOT / "targets.toml")


def add_options(parser: ArgumentParser) -> None:
    """Add the options to Locust's parser."""
    # Not in a group of their own: Locust's web page only offers options that were added to the parser itself.
    parser.add_argument(
        "--user-rate",
        type=float,
        default=1.0,
        env_var="SEAWALL_USER_RATE",
        help="Requests a second of each user, on an absolute schedule (default 1)",
    )
    parser.add_argument(
        "--arrival",
        choices=get_args(Arrival),
        default="uniform",
        env_var="SEAWALL_ARRIVAL",
        help="How a user's requests follow each other: evenly, at random (poisson) with the same rate on the whole, or"
        " closed: each after the answer to the last, whatever --user-rate says (default uniform)",
    )
    parser.add_argument(
        "--path",
        choices=PATHS,
        default="kafka",
        env_var="SEAWALL_PATH",
        help="How records are written where the user class does not say: each in a transaction of its own (sync),"
        " those of a few milliseconds in one (grouped), or through Kafka (default kafka)",
    )
    parser.add_argument(
        "--entity",
        choices=sorted(MIXES),
        default="mixed",
        env_var="SEAWALL_ENTITY",
        help="Which records are written (default mixed: 8 orders to 1 user and 1 product)",
    )
    # Numbers that need not be given are texts: Locust's web page keeps the type of the default.
    parser.add_argument(
        "--record-bytes",
        default="",
        env_var="SEAWALL_RECORD_BYTES",
        help="About how long each record's JSON is (default: as drawn)",
    )
    parser.add_argument(
        "--compressibility",
        default="",
        env_var="SEAWALL_COMPRESSIBILITY",
        help="From 0, text that does not compress, to 1, text that compresses to nearly nothing (default: as drawn)",
    )
    parser.add_argument(
        "--key-skew",
        type=float,
        default=0.0,
        env_var="SEAWALL_KEY_SKEW",
        help="Zipf's exponent over Kafka's partitions: 0 spreads keys evenly, 1 gives the first most (default 0)",
    )
    parser.add_argument("--seed", type=int, default=1, env_var="SEAWALL_SEED", help="Seed of contents and phases")
    add_shape_options(parser)
    parser.add_argument(
        "--record",
        default="",
        metavar="DIR",
        env_var="SEAWALL_RECORD",
        help="Keep every request in this directory (default: PREFIX_requests where --csv PREFIX is given)",
    )
    parser.add_argument(
        "--targets",
        default="",
        metavar="FILE",
        help="Targets that a recorded run is held to (default: targets.toml here, else Seawall's own); `attain` is"
        " short for --attain",
    )
    parser.add_argument("--attain", action="store_true", help="Judge the targets of the set `attain` too")
    parser.add_argument(
        "--judge-from",
        default="",
        metavar="TIME",
        help="Leave out so much after the start, such as 30s, where all users are there earlier than that",
    )
    command_line: Any = partial(parser.add_argument, include_in_web_ui=False)
    command_line(
        "--metrics-port",
        default="",
        metavar="PORT",
        env_var="SEAWALL_LOAD_METRICS_PORT",
        help="Show the run to Prometheus on this port of loopback, or on SEAWALL_LOAD_METRICS_HOST; 0 is a free one"
        " (default: not, but where the stack that is up has a Prometheus)",
    )
    command_line(
        "--trace-share",
        type=float,
        default=0.0,
        env_var="SEAWALL_LOAD_TRACE_SHARE",
        help="Begin a trace with this share of the requests, from 0 to 1; not where the run is judged (default 0)",
    )
    command_line(
        "--no-verdict", action="store_true", help="Only record: no verdict, no report, and Locust's own exit code"
    )


class LoadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """One plain Locust run's load, as it was asked for."""

    rate_per_s: float
    arrival: Arrival
    path: str
    entity: str
    shape: Shape
    key_skew: float
    partitions: int
    seed: int
    run: Run
    recorded: bool
    trace_share: float
    """So many of its requests are traced, from 0 to 1."""
    profile: Profile | None
    """What all users follow together; None without a shape."""
    places: int
    """How many they are."""

    @classmethod
    def of(cls, options: Any) -> Self:
        """Read what Locust parsed, or what its page or master sent; raises `ValueError` with all that is wrong."""
        announced = getattr(options, "seawall_profile", None)
        profile = msgspec.convert(announced, Profile) if announced else None
        wrong = []
        if options.arrival != "closed" and not 0 < options.user_rate < math.inf:
            wrong.append(f"--user-rate must be above 0, and {options.user_rate:g} is not")
        if options.arrival not in get_args(Arrival):
            wrong.append(f"--arrival must be one of {', '.join(get_args(Arrival))}")
        if options.path not in PATHS:
            wrong.append(f"--path must be one of {', '.join(PATHS)}")
        if options.entity not in MIXES:
            wrong.append(f"--entity must be one of {', '.join(sorted(MIXES))}")
        if not 0 <= options.key_skew < math.inf:
            wrong.append(f"--key-skew must be 0 or more, and {options.key_skew:g} is not")
        if not 0 <= options.trace_share <= 1:
            wrong.append(f"--trace-share must be from 0 to 1, and {options.trace_share:g} is not")
        shape = Shape(_number(options, "record_bytes", int, wrong), _number(options, "compressibility", float, wrong))
        for name in sorted(set(MIXES.get(options.entity, ()))):
            try:
                check_shape(ENTITIES[name], shape)
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise ValueError("; ".join(dict.fromkeys(wrong)))
        return cls(
            rate_per_s=options.user_rate,
            arrival=options.arrival,
            path=options.path,
            entity=options.entity,
            shape=shape,
            key_skew=options.key_skew,
            partitions=getattr(options, "seawall_partitions", PARTITIONS),
            seed=options.seed,
            run=Run(*getattr(options, "seawall_run", new_run())),
            recorded=getattr(options, "seawall_recorded", False),
            trace_share=options.trace_share,
            profile=profile,
            places=ShapeOptions.of(options).users_for(profile) if profile else 0,
        )


class Judged(NamedTuple):
    """What a run is held to."""

    targets: Path
    attain: bool
    skip_s: float


def judging_options(options: Any) -> Judged:
    """Read by what a run is judged; raises `ValueError` where that cannot be meant."""
    attain = options.attain or options.targets == ATTAIN
    named = "" if options.targets == ATTAIN else options.targets
    path = Path(named) if named else next((p for p in DEFAULT_TARGETS if p.exists()), None)
    if path is None:
        raise ValueError("no targets.toml is here: name one by --targets, or give --no-verdict")
    try:
        parse_targets(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ValueError(f"{path} cannot be read: {reason}") from None
    except BadTargets as error:
        raise ValueError(str(error)) from None
    skip_s = seconds_of(options.judge_from) if options.judge_from.strip() else 0.0
    if skip_s is None:
        raise ValueError(f"--judge-from takes a time such as 30s or 1m, and {options.judge_from!r} is none")
    return Judged(path, attain, skip_s)


def announce(options: Any, *, recorded: bool, profile: Profile | None) -> None:
    """Fix what all processes of the coming run must share; Locust carries it to the workers with all options."""
    state = read_state()
    options.seawall_run = list(new_run())
    options.seawall_partitions = state.partitions if state else PARTITIONS
    options.seawall_recorded = recorded
    options.seawall_profile = msgspec.to_builtins(profile) if profile else None


def record_directory(options: Any) -> Path | None:
    """Return where requests are to be kept; None if nowhere."""
    if options.record:
        return Path(options.record)
    return Path(f"{options.csv_prefix}_requests") if options.csv_prefix else None


def _number(options: Any, name: str, kind: type, wrong: list[str]) -> Any:
    text = str(getattr(options, name)).strip()
    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        wrong.append(f"--{name.replace('_', '-')} must be a number, and {text!r} is none")
        return None
