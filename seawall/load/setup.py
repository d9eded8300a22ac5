"""Makes Locust ready for these users: options, limits, the service's address, one `LoadRun` a test.

Importing `seawall.load` registers this with Locust, so a locustfile has nothing to set up.
"""

from __future__ import annotations

import gc
import logging
import signal
from typing import Any
from weakref import WeakKeyDictionary

import gevent
import locust.stats
from locust import events
from locust.env import Environment

from contract.connections import Connections
from seawall.load.alone_role import Alone
from seawall.load.counts import Counts
from seawall.load.final_csv import end_with_its_files, write_final_csv
from seawall.load.form import may_choose, offer_user_classes
from seawall.load.judging import is_judged
from seawall.load.kafka.opening import are_all_kafka, check_kafka
from seawall.load.live_metrics import FiguresOfRole, LiveMetrics, Shown, place_of
from seawall.load.master_role import Master
from seawall.load.options import LoadOptions, add_options, judging_options
from seawall.load.percentiles import bucket
from seawall.load.plain_run import Ledgers, refuse
from seawall.load.priority import ask_for_short_turns
from seawall.load.roles import Role, role_of
from seawall.load.run import LoadRun
from seawall.load.scopes import declared_scopes
from seawall.load.shape_options import ShapeOptions, check_clashes
from seawall.load.shapes import ProfileShape, check_shape, chosen_profile
from seawall.load.sigterm import Sigterm
from seawall.load.sockets import keep_connections_above_1024_files, raise_file_limit
from seawall.load.traces import check_traces
from seawall.load.verdict_tab import VerdictTab
from seawall.load.web_guard import guard_web, stay_on_loopback
from seawall.load.worker_role import Worker
from seawall.stack.limits import Limits
from seawall.stack.state import read_state

NO_STACK = "no stack is running: start one with `bin/seawall up`, or give --host"
GARBAGE_OBJECTS = 1_000_000
"""So many objects that hold each other may be left behind before Python's collector looks for them.

A request leaves none, so it then never pauses the load; by default it looks after every 700 that are alive at a time.
"""
_PREPARED_WITHIN_S = 10.0

logger = logging.getLogger(__name__)
_runs: WeakKeyDictionary[Environment, LoadRun] = WeakKeyDictionary()
_counts: WeakKeyDictionary[Environment, Counts] = WeakKeyDictionary()
_unprepared: WeakKeyDictionary[Environment, tuple[Ledgers, Alone | Worker | Master]] = WeakKeyDictionary()
_roles: WeakKeyDictionary[Environment, Role] = WeakKeyDictionary()
_sigterm = Sigterm()


def register() -> None:
    """Hook into Locust's events; called once, when `seawall.load` is imported."""
    keep_connections_above_1024_files()
    locust.stats.bucket_response_time = bucket  # Locust offers this function for replacement
    locust.stats.StatsCSVFileWriter.stats_writer = end_with_its_files  # type: ignore[method-assign,assignment]
    raise_file_limit()
    ask_for_short_turns()
    gc.set_threshold(GARBAGE_OBJECTS)
    events.init_command_line_parser.add_listener(add_options)
    events.init_command_line_parser.add_listener(stay_on_loopback)
    events.init.add_listener(_take_role)
    events.init.add_listener(_find_service)
    events.init.add_listener(_prepare)
    events.test_start.add_listener(_start)
    events.test_stopping.add_listener(_stopping)
    events.test_stop.add_listener(_stopped)
    # Locust's own listeners are added later, with its runner, and so come behind these
    events.spawning_complete.add_listener(_spare_the_collector)
    for event in (events.spawning_complete, events.report_to_master, events.test_stop, events.quitting):
        event.add_listener(flush_counts)


def run_of(environment: Environment) -> LoadRun:
    """Return the run that users of *environment* take part in."""
    return _runs[environment]


def set_run(environment: Environment, run: LoadRun) -> None:
    """Make *run* the one that users of *environment* take part in from now on."""
    _runs[environment] = run


def counts_of(environment: Environment) -> Counts:
    """Return what hands the requests of *environment* to Locust's statistics."""
    counts = _counts.get(environment)
    if counts is None:
        counts = _counts[environment] = Counts(environment)
    return counts


def _spare_the_collector(**_: Any) -> None:
    """Take what is there now, ten thousand users say, out of the collector's sight: they stay anyway."""
    gc.freeze()


def flush_counts(**_: Any) -> None:
    """Bring Locust's statistics up to date."""
    for counts in _counts.values():
        counts.flush()


def _take_role(environment: Environment, **_: Any) -> None:
    """Take this process's role before anything here waits: what the others send meanwhile is then heard."""
    if environment.parsed_options is not None:  # an experiment sets the run of each of its trials itself
        ledgers = Ledgers(environment)
        _unprepared[environment] = ledgers, role_of(environment, ledgers, set_run)


def _find_service(environment: Environment, **_: Any) -> None:
    """Fill in the running stack's address; a headless run without any address ends here, with code 2."""
    options = environment.parsed_options
    if environment.host or options is None or options.worker or any(user.host for user in environment.user_classes):
        return
    if are_all_kafka(environment):  # which need no service, and say themselves where their brokers are
        return
    state = read_state()
    environment.host = Connections.read().api_url or (state.api_url if state else None)
    if environment.host:
        return
    if options.headless:
        refuse(NO_STACK)
    logger.error(NO_STACK)


def _prepare(environment: Environment, **_: Any) -> None:
    """Check options and the place for requests, and begin this process's role; what is wrong ends here, with code 2."""
    options = environment.parsed_options
    if options is None:
        return
    ledgers, role = _unprepared.pop(environment)
    try:
        _check(environment, options)
        if not options.worker:
            ledgers.claim()
    except (ValueError, OSError) as error:
        refuse(error)
    _roles[environment] = role
    gevent.get_hub().loop.update_now()  # else Locust's run time, set next, counts from before its imports
    _take_ctrl_c_between_events()
    if not isinstance(role, Worker):
        _show(environment, role)

    def end(**_: Any) -> None:
        if options.csv_prefix and not options.worker:
            write_final_csv(environment, options.csv_prefix)
        if not isinstance(role, Worker):
            role.ending.say()

    def quitting(**_: Any) -> None:
        _sigterm.leave()
        role.quitting()
        if not isinstance(role, Worker):
            role.ending.decide()

    events.quitting.add_listener(quitting)
    events.quit.add_listener(end)


def _show(environment: Environment, role: Shown) -> None:
    """Show runs on Locust's page, and to Prometheus where that is asked for; what is in the way ends here, code 2."""
    web_ui = environment.web_ui
    if web_ui is not None and web_ui.app is not None:
        offer_user_classes(environment)
        VerdictTab(web_ui, web_ui.app, environment, role.ending)
    options: Any = environment.parsed_options
    try:
        place = place_of(options)
        if place is not None:
            events.quit.add_listener(LiveMetrics(FiguresOfRole(environment, role), place).end)
    except ValueError as error:
        if options.metrics_port:
            refuse(error)
        logger.warning("%s; the run goes on without them", error)  # nobody asked for them but the stack's Prometheus


def _check(environment: Environment, options: Any) -> None:
    """Raise `ValueError` where options cannot be used, and guard the web page if there is one.

    A worker's options are its master's, so it asks no more than whether it reaches Kafka.
    """
    if options.worker:
        check_kafka(environment, options)
        return
    LoadOptions.of(options)
    _check_shape(environment, options)
    declared_scopes(environment.user_classes)
    judged = is_judged(options, has_page=environment.web_ui is not None)
    if judged:
        judging_options(options)
    _check_limits(environment, options)
    check_kafka(environment, options)
    check_traces(options.trace_share, environment.host or "", judged=judged)
    if environment.web_ui is not None:
        guard_web(environment.web_ui, options.web_host, login=options.web_login)


def _check_shape(environment: Environment, options: Any) -> None:
    """Raise `ValueError` where the shape is none that can be run, or options cannot be meant with it."""
    loaded = environment.available_shape_classes or {}
    if any(isinstance(shape, ProfileShape) for shape in loaded.values()):
        check_clashes(options, list(loaded), chosen_in_page=may_choose(environment) and not options.autostart)
    check_shape(environment.shape_class, options)


def _users(environment: Environment, options: Any) -> int:
    """Return how many users the run would have, as far as that is known before it."""
    profile = chosen_profile(environment, options)
    return ShapeOptions.of(options).users_for(profile) if profile else options.num_users or 0


def _check_limits(environment: Environment, options: Any) -> None:
    """Raise `ValueError` where this machine cannot connect so many users; those of other hosts are not known here."""
    users, processes = _users(environment, options), abs(options.processes or 1)
    if options.master and not options.processes:
        return
    limits = Limits.read()
    obstacles = [
        *limits._replace(ports=None).obstacles(-(-users // processes)),
        *limits._replace(files=None).obstacles(users),
    ]
    if obstacles:
        raise ValueError("; ".join(obstacles))


def _take_ctrl_c_between_events() -> None:
    """Let Ctrl-C reach Locust's main greenlet alone: else it may end a user between ledger and statistics."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        gevent.signal_handler(signal.SIGINT, lambda: gevent.kill(gevent.get_hub().parent, KeyboardInterrupt))


def _start(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    if options is not None and options.worker:
        # A master whose run goes on sends users as soon as it is greeted, which is before Locust says `init` here.
        with gevent.Timeout(_PREPARED_WITHIN_S, exception=False):
            while environment not in _roles:
                gevent.sleep(0.01)
    if environment in _roles:
        if options is not None and options.headless and not options.worker and environment.shape_class is not None:
            _sigterm.take()
        _roles[environment].start()


def _stopping(environment: Environment, **_: Any) -> None:
    if environment in _roles:
        _roles[environment].stopping()


def _stopped(environment: Environment, **_: Any) -> None:
    if environment in _roles:
        _roles[environment].stopped()
