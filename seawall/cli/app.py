"""The command line: which verbs there are, and how an error becomes a message.

A verb is a module of this package with a function of the verb's name, and its examples in `EXAMPLES`. One that has
scenarios has a module with a function for each of them, such as `stream_ingest`. Each is imported when it is used, so
that a start costs no more than it must.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from seawall.cli.exits import Exit
from seawall.cli.help_sections import sections

VERBS = {
    "up": "Start the stack: PostgreSQL, Valkey, Kafka, the API and its sinks.",
    "down": "Stop the stack and remove its data.",
    "status": "Show what runs, and where.",
    "watch": "Show the running stack live: rates, errors, latencies, lag, caches, the database's work.",
    "peek": "Show records of a topic, decoded.",
    "trace": "Draw the way of one record through client, API, Kafka, sink and database.",
    "doctor": "Test everything that Seawall needs, and say what to do about what is missing.",
    "compare": "Compare the write paths under real load: the main job.",
    "attain": "Hold the targets through rising stages of load, and name what falls short.",
    "capacity": "Find the highest load that holds all targets, by each write path.",
    "scale": "Find out what more processes or partitions would carry, or have some come and go under load.",
    "tune": "Turn one of Kafka's knobs, and see what it does to throughput, latency and cost.",
    "soak": "Hold one load for a long time, and see whether memory, files, times or lag creep up.",
    "fault": "Make things go wrong under load, and see whether anything is lost, and whether all comes back.",
    "stream": "Show what the log is for, a scenario each, against doing the same with the database alone.",
    "k6": "Make the load by k6 in place of Locust, or beside it, and judge it alike.",
    "key": "Make a key for the API's clients.",
    "report": "Make the report of a run again from its files.",
    "diff": "Hold two runs against each other.",
    "history": "Follow the figures of many runs over days, weeks and months, and find what got worse.",
    "controls": "Prove that Seawall detects: services misbehave on purpose, and each has to be caught.",
    "bench": "Hold Seawall's own speed and exactness against peers and limits.",
    "completion": "Print what lets a shell complete verbs and options.",
}

SCENARIOS = {
    "stream": {
        "cache": "Read from a cache in place of the database: what does it save, how quick is it, how stale?",
        "ingest": "Send a burst: who absorbs it, who answers with errors, and when is all of it visible?",
        "analytics": "Count by windows, live: how far behind are figures from the log, and what do queries cost?",
        "fanout": "Give the same records to many groups: what does storing lose, and what does a slow one do?",
        "csv": "Import a CSV file, directly and through the log: how fast, in how much memory, and is every row there?",
        "reviews": "Have a slow model judge reviews, in batches and one by one: how fast, for how many calls?",
        "spark": "Have a Spark job find features of reviews: what does each setting change, and is any lost or twice?",
        "live": "Feed thousands of subscribers: how soon does each hear of its records, and does it hear of all?",
    },
}
"""The verbs that have no options of their own, but scenarios, with what each of these asks."""

_INTRODUCTION = """Should you put Kafka, and a cache, in front of your database? Real servers, real load, and proof."""
_EXAMPLES = """[bold]Examples[/]

  bin/seawall compare --quick    a first answer in 90 seconds
  bin/seawall up                 start the servers and leave them running
  bin/seawall VERB --help        what a verb can do, with examples
  bin/seawall completion bash    what lets a shell complete all of this

Exit codes: 0 pass, 1 fail, 2 wrong usage or set-up, 3 inconclusive, 4 invalid, 130 interrupted.

Environment: SEAWALL_DEBUG (an error shows its traceback), NO_COLOR; the help of each verb names those that it minds,
README.md all of them."""


class _Verb(TyperCommand):
    """A verb whose help ends with its examples, line by line as they were written."""

    examples = ""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help and the examples."""
        super().format_help(ctx, formatter)
        _print_examples(self.examples)


class _Verbs(TyperGroup):
    """The verbs, or the scenarios of one, each imported when it is used."""

    names: Mapping[str, str] = VERBS
    """With what each does, in the order in which one meets them."""
    of_verb = ""
    """Whose scenarios they are, followed by a blank."""
    examples = _EXAMPLES
    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the library calls it so
        """Return their names."""
        return list(self.names)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the library calls it so
        """Return one of them; while they are listed, only its name and what it does."""
        if cmd_name not in self.names:
            return None
        if self._listing:
            return TyperCommand(name=cmd_name, help=self.names[cmd_name])
        return verb_command(self.of_verb + cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the list and the examples."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False
        _print_examples(self.examples)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; what is wrong becomes a line or two on standard error."""
    application = typer.Typer(
        cls=_Verbs, help=_INTRODUCTION, no_args_is_help=False, add_completion=False, rich_markup_mode="rich"
    )
    application.callback(invoke_without_command=True)(_without_a_verb)
    try:
        found = get_command(application).main(
            args=None if arguments is None else list(arguments), prog_name="seawall", standalone_mode=False
        )
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except typer.Abort:
        return Exit.INTERRUPTED
    except Exception as error:
        if os.environ.get("SEAWALL_DEBUG"):
            raise
        _complain(message_of(error))
        return Exit.SETUP
    return int(found) if isinstance(found, int) else Exit.PASS


def message_of(error: Exception) -> str:
    """Say in a line or two what *error* means to the user.

    Rooms declare what they expect to go wrong in modules named `errors`; those messages are written for the user.
    """
    if type(error).__module__.split(".")[-1] == "errors":
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}"
    if hasattr(error, "format_message"):  # wrong usage, from the command line's library
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "seawall"
        return f"{error.format_message()}\nTry `{path} --help`."
    return f"{type(error).__name__}: {error}\nThis is a bug; SEAWALL_DEBUG=1 shows where it happened."


def _without_a_verb(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit(Exit.PASS)


def verb_command(verb: str) -> _Verb | _Verbs:
    """Return a verb, or a scenario such as ``stream ingest``, with all of its options; imports what it needs."""
    function = verb.replace(" ", "_")
    module = importlib.import_module(f"seawall.cli.{function}")
    if scenarios := SCENARIOS.get(verb):
        return _group(verb, scenarios, module.EXAMPLES)
    application = typer.Typer(add_completion=False, rich_markup_mode="rich")
    settings = getattr(module, "CONTEXT_SETTINGS", None)
    application.command(name=verb.rsplit(maxsplit=1)[-1], cls=_Verb, context_settings=settings)(
        getattr(module, function)
    )
    command = get_command(application)
    assert isinstance(command, _Verb)
    metavars = {name for parameter in command.params if (name := getattr(parameter, "metavar", None))}
    command.examples = module.EXAMPLES + sections(verb, metavars)
    return command


def _group(verb: str, scenarios: Mapping[str, str], examples: str) -> _Verbs:
    application = typer.Typer(
        name=verb, cls=_Verbs, help=VERBS[verb], no_args_is_help=False, add_completion=False, rich_markup_mode="rich"
    )
    application.callback(invoke_without_command=True)(_without_a_verb)
    group = get_command(application)
    assert isinstance(group, _Verbs)
    group.names, group.of_verb, group.examples = scenarios, f"{verb} ", examples + sections(verb, set())
    return group


def _print_examples(text: str) -> None:
    from seawall.cli.consoles import output_console  # noqa: PLC0415 - rich is slow to load, most starts need none

    output_console().print(text, soft_wrap=True)


def _complain(message: str) -> None:
    sys.stdout.flush()
    print(f"seawall: {message}", file=sys.stderr)
