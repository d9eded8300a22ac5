"""What the help of a verb says beside its options and examples: values, files and variables."""

from __future__ import annotations

_RUN = "result.json, summary.csv, report.html and junit.xml; raw/ with every request, logs/ with every server's log"
_RESULTS = f"results/<UTC time>-{{verb}}/, or --output: {_RUN}"
_ON_A_STACK = (
    "SEAWALL_DATABASE_URL, SEAWALL_DATABASE_REPLICA_URL, SEAWALL_CACHE_URL, SEAWALL_KAFKA_BOOTSTRAP_SERVERS,"
    " SEAWALL_REGISTRY_URL, SEAWALL_API_URL, SEAWALL_API_KEY (servers of your own, also from .env), SEAWALL_HOME"
    " (state, data, logs, not in .seawall), SEAWALL_JAVA, SEAWALL_KAFKA_HEAP, SEAWALL_MAVEN_REPOSITORY (Kafka's Java,"
    " memory and origin)"
)
_STATE = "SEAWALL_HOME (where the stack's state is, instead of .seawall)"
_ALWAYS = "SEAWALL_DEBUG (an error shows its traceback), NO_COLOR"

FILES = {
    "up": ".seawall/ (or SEAWALL_HOME) with state, data and logs; ~/.cache/seawall with Kafka's jars",
    "down": "removes data and state; logs stay in .seawall/logs",
    "compare": _RESULTS,
    "attain": _RESULTS,
    "capacity": _RESULTS + "; capacity.svg, and break-even-*.svg where a delay or burst was varied",
    "scale": _RESULTS + "; with --what scaling.svg",
    "tune": _RESULTS,
    "soak": _RESULTS + "; raw/ only of segments that failed, unless --keep-raw",
    "fault": _RESULTS,
    "stream": "results/<UTC time>-stream-NAME/, or --output",
    "stream cache": _RESULTS,
    "stream ingest": _RESULTS,
    "stream analytics": _RESULTS,
    "stream fanout": _RESULTS,
    "stream live": _RESULTS,
    "stream csv": _RESULTS + "; rows in the tables csv_rows and csv_imports, which stay in a database that stays",
    "stream reviews": _RESULTS,
    "stream spark": _RESULTS + "; ~/.cache/seawall with Spark's connector",
    "controls": _RESULTS,
    "bench": "what a benchmark needs, in a directory that it removes",
    "key": "the file of --file, to which a line is added",
    "report": "report.html, summary.csv and junit.xml in the run's directory or --output; or what --picture"
    " and --charts name",
    "history": "the files of --markdown and --html, and nothing else",
}
"""What each verb writes; the others write nothing."""

ENVIRONMENT = dict.fromkeys(
    (
        "up",
        "peek",
        "doctor",
        "compare",
        "attain",
        "capacity",
        "scale",
        "tune",
        "soak",
        "fault",
        "stream",
        "stream cache",
        "stream ingest",
        "stream analytics",
        "stream fanout",
        "stream live",
        "stream csv",
        "stream reviews",
        "controls",
    ),
    _ON_A_STACK,
) | {
    "stream spark": f"SEAWALL_SPARK_JAVA (a Java 17 for Spark), {_ON_A_STACK}",
    **dict.fromkeys(("down", "status", "trace"), _STATE),
    "watch": f"SEAWALL_PROMETHEUS_URL (of a stack elsewhere), {_STATE}",
}
"""The variables that each verb minds, beside those that all do; README.md says what each means."""

_VALUES = (
    ("TIME", "a TIME is like 500ms, 10s, 1m or 2h; a number alone is seconds"),
    ("LIST", "a LIST has commas and no spaces"),
    ("SHARE", "a SHARE is like 5% or 0.05"),
)


def sections(verb: str, metavars: set[str]) -> str:
    """Return the sections of *verb*, in whose options the values of *metavars* occur."""
    values = [says for name, says in _VALUES if name in metavars]
    parts = [
        f"Values: {'; '.join(values)}." if values else "",
        f"Files: {FILES[verb].format(verb=verb.replace(' ', '-'))}." if verb in FILES else "Files: none.",
        f"Environment: {', '.join(filter(None, (ENVIRONMENT.get(verb), _ALWAYS)))}.",
    ]
    return "".join(f"\n\n{_folded(part)}" for part in parts if part)


def _folded(text: str, width: int = 118) -> str:
    """Return *text* in lines as long as those of the examples above it."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".lstrip()
    return "\n".join([*lines, line])
