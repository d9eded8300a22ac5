"""``python -m seawall.observe.dashboards``: writes the dashboards in the form that Grafana reads."""

from __future__ import annotations

import json
import sys
from typing import Any

from seawall.observe.panels import DASHBOARDS, Dashboard, Panel
from seawall.stack.places import ROOT

DIRECTORY = ROOT / "deploy" / "grafana" / "dashboards"
_WIDTH, _HEIGHT = 12, 8
_COLUMNS = 2
_SCHEMA = 39


def document(dashboard: Dashboard) -> str:
    """Return *dashboard* as Grafana's JSON."""
    return json.dumps(_page(dashboard), indent=1, ensure_ascii=False) + "\n"


def _page(dashboard: Dashboard) -> dict[str, Any]:
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": f"seawall-{dashboard.name}",
        "title": dashboard.title,
        "tags": ["seawall"],
        "schemaVersion": _SCHEMA,
        "timezone": "utc",
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "templating": {"list": [source]},
        "links": [{"type": "dashboards", "title": "Seawall", "tags": ["seawall"], "asDropdown": True}],
        "panels": [_chart(number, panel) for number, panel in enumerate(dashboard.panels)],
    }


def _chart(number: int, panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.says,
        "datasource": source,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": source,
                "expr": query.expression,
                "legendFormat": query.legend,
            }
            for place, query in enumerate(panel.queries)
        ],
    }


def main() -> int:
    """Write all of them."""
    for dashboard in DASHBOARDS:
        (DIRECTORY / f"{dashboard.name}.json").write_text(document(dashboard), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
