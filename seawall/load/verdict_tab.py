"""The *Verdict* tab of Locust's page: how the run stands while it goes on, and the verdict when it is over.

Locust's page draws a table from what ``/stats/requests`` says of it, and asks for that while a run goes on. A verdict
comes later than that: the log has to drain, and the audit to go through. Until then the page is told that the run still
goes on, and no other can be started.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from flask import Flask, Response, jsonify, request, send_file
from locust.env import Environment
from locust.web import WebUI

from seawall.load.form import chosen_shape, mistakes_in
from seawall.load.plain_run import Ending
from seawall.load.standing import Row

KEY = "verdict"
COLUMNS = {
    "what": "",
    "verdict": "Verdict",
    "measured": "Measured",
    "interval": "95 % interval",
    "limit": "Limit",
    "why": "Why",
}
REPORT = "/verdict/report"
RESULT = "/verdict/result.json"
_GOES_ON = ("spawning", "running")


class VerdictTab:
    """Adds the tab, and links to the report and the result, to a page that is not served yet."""

    def __init__(self, web_ui: WebUI, app: Flask, environment: Environment, ending: Ending) -> None:
        self._environment = environment
        self._options: Any = environment.parsed_options
        self._ending = ending
        structure = [{"key": name, "title": title} for name, title in COLUMNS.items()]
        web_ui.template_args |= {
            "extended_tabs": [{"title": "Verdict", "key": KEY}],
            "extended_tables": [{"key": KEY, "structure": structure}],
            "extended_csv_files": [
                {"href": f".{REPORT}", "title": "Verdict: the whole report"},
                {"href": f".{RESULT}", "title": "Verdict: result.json"},
            ],
        }
        app.before_request(self._refuse_to_start)
        app.after_request(self._add_rows)
        base = getattr(self._options, "web_base_path", None) or ""
        for url, name, view in (
            (REPORT, "verdict_report", self._report),
            (RESULT, "verdict_result", self._result),
        ):
            app.add_url_rule(f"{base}{url}", name, web_ui.auth_required_if_enabled(view))

    @property
    def _is_judging(self) -> bool:
        """Whether a run has ended, and its verdict is still to come."""
        runner = self._environment.runner
        return runner is not None and self._ending.is_open and runner.state not in _GOES_ON

    def _refuse_to_start(self) -> Response | None:
        if request.endpoint != "locust.swarm":
            return None
        if self._is_judging:
            wrong = "the last run is still being judged: the Verdict tab shows how far that is"
        else:
            wrong = mistakes_in(request.form, self._options, chosen_shape(request.form, self._environment))
        if not wrong:
            return None
        return jsonify({"success": False, "message": wrong, "host": self._environment.host})

    def _add_rows(self, response: Response) -> Response:
        if request.endpoint != "locust.request_stats" or not response.is_json:
            return response
        report: dict[str, Any] = dict(response.get_json())
        report["extended_stats"] = [{"key": KEY, "data": msgspec.to_builtins(self._rows())}]
        if self._is_judging:
            report["state"] = "running"
        return jsonify(report)

    def _rows(self) -> list[Row]:
        if self._options.no_verdict:
            return [Row(what="verdict", why="runs are not judged: --no-verdict was given")]
        standing = self._ending.standing
        return standing.rows if standing is not None else [Row(what="verdict", why="no request yet")]

    def _report(self) -> Response:
        return self._file(lambda report: report)

    def _result(self) -> Response:
        return self._file(lambda report: report.with_name(report.name.replace("report.html", "result.json")))

    def _file(self, beside: Callable[[Path], Path]) -> Response:
        standing = self._ending.standing
        if standing is None or not standing.report:
            return Response("it is written at the end of the run, when the audit is through\n", 404)
        return send_file(beside(Path(standing.report)))
