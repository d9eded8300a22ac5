"""What `up` says once the stack is up."""

from __future__ import annotations

from rich.markup import escape

from contract.mariadb import SCHEMES, arguments_of
from seawall.cli.consoles import error_console, output_console
from seawall.stack.limits import MANY_USERS, Limits
from seawall.stack.prometheus import MISSING
from seawall.stack.state import StackState


def print_addresses(state: StackState, *, is_new: bool) -> None:
    """Print where everything is and what to do next."""
    if not is_new:
        output_console().print("The stack is up already.")
    environment, observed = state.environment, state.options.observe
    lines = [("API", f"{state.api_url}/docs" if state.api_url else "")]
    if state.api_tls_url:
        lines.append(("by TLS", f"curl --cacert {state.api_tls_authority} {state.api_tls_url}/livez"))
    lines += [("feed", f"{one.address}/v1/feed") for one in state.services.values() if one.kind == "feed"]
    lines.append(_database(environment.get("SEAWALL_DATABASE_URL")))
    lines.append(("Valkey", environment.get("SEAWALL_CACHE_URL", "")))
    lines.append(("Kafka", environment.get("SEAWALL_KAFKA_BOOTSTRAP_SERVERS", "")))
    lines.append(("registry", environment.get("SEAWALL_REGISTRY_URL", "")))
    prometheus = state.services.get("prometheus")
    lines.append(("Prometheus", prometheus.address if prometheus is not None else MISSING if observed else ""))
    own = "traces" in state.services
    lines.append(("traces", f"bin/seawall trace, or {state.trace_url}" if own else state.trace_url))
    lines.append(("logs", state.logs_dir))
    lines.append(("load it", "bin/seawall compare --quick, or .venv/bin/locust -f locustfiles/ingest.py"))
    lines.append(("stop it", "bin/seawall down"))
    for name, text in lines:
        if text:
            output_console().print(f"  {name:<12} {escape(text)}", soft_wrap=True)


def _database(url: str | None) -> tuple[str, str]:
    """Return how the database is called, and how to ask it by hand."""
    if not url or not url.startswith(SCHEMES):
        return "PostgreSQL", f"psql '{url}'" if url else ""
    said = arguments_of(url)
    client = f"mariadb -h {said['host']} -P {said['port']} -u {said['user']} -p'{said['password']}' {said['database']}"
    return "MariaDB", client


def print_limits() -> None:
    """Say what keeps many users from being connected, if anything does."""
    for obstacle in Limits.read().obstacles(MANY_USERS):
        error_console().print(f"[yellow]note[/]  {escape(obstacle)}", soft_wrap=True)
