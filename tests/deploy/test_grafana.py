"""What Grafana is given in the compose file: provisioning and dashboards that fit together and are where it looks.

No Grafana runs here; queries are tried on a real Prometheus (tests/observe).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from compose import COMPOSE, service
from jsonschema.validators import Draft202012Validator

from seawall.stack.places import ROOT

GRAFANA = ROOT / "deploy" / "grafana"
SCHEMAS = yaml.safe_load((Path(__file__).parent / "schemas" / "grafana.yaml").read_text("utf-8"))
HOME = "/etc/grafana/provisioning"
"""Where Grafana's image looks, as long as GF_PATHS_PROVISIONING says nothing else."""
Document = dict[str, Any]
PAGES: dict[str, Document] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((GRAFANA / "dashboards").iterdir())
}


def provisioned(kind: str) -> Document:
    """Return the one provisioning file of a kind."""
    (file,) = (GRAFANA / "provisioning" / kind).iterdir()
    found: Document = yaml.safe_load(file.read_text("utf-8"))
    return found


def flaws(kind: str, document: Document) -> list[str]:
    """Return what is wrong with it by its schema."""
    return [error.message for error in Draft202012Validator(SCHEMAS[kind]["spec"]).iter_errors(document)]


def source() -> Document:
    """Return the one data source."""
    (found,) = provisioned("datasources")["datasources"]
    return dict(found)


def mounts() -> dict[str, Path]:
    """Return what is mounted into Grafana's container by where it is there."""
    volumes = [one for one in service("grafana")["volumes"] if not isinstance(one, str)]
    return {one["target"]: (COMPOSE / one["source"]).resolve() for one in volumes}


def test_provisioning_files_are_valid() -> None:
    """No field is misspelt: Grafana would pass it over."""
    assert sorted(path.name for path in (GRAFANA / "provisioning").iterdir()) == ["dashboards", "datasources"]
    assert flaws("Dashboards", provisioned("dashboards")) == []
    assert flaws("Datasources", provisioned("datasources")) == []


def test_grafana_finds_them_and_the_dashboards_where_they_are_mounted() -> None:
    """The folder that the provider names is the one with the dashboards, and holds nothing else."""
    assert "GF_PATHS_PROVISIONING" not in service("grafana")["environment"]
    assert mounts()[HOME] == GRAFANA / "provisioning"
    (provider,) = provisioned("dashboards")["providers"]
    folder = mounts()[provider["options"]["path"]]
    assert folder == GRAFANA / "dashboards"
    assert {path.suffix for path in folder.iterdir()} == {".json"}


def test_the_data_source_is_the_prometheus_of_the_compose_file() -> None:
    """By the name and port at which Grafana reaches it, with the pace of its scrapes; it is what panels get."""
    address = urlsplit(source()["url"])
    there = service(str(address.hostname))
    assert set(there["networks"]) & set(service("grafana")["networks"])
    assert any(port.endswith(f":{address.port}") for port in there["ports"])
    scrapes = yaml.safe_load((COMPOSE / "prometheus.yaml").read_text("utf-8"))["global"]
    assert source()["jsonData"]["timeInterval"] == scrapes["scrape_interval"]
    assert source()["isDefault"]


@pytest.mark.parametrize("name", PAGES)
def test_a_dashboard_is_valid(name: str) -> None:
    """By the schema, with panels that do not lie on each other and queries of one letter each."""
    page = PAGES[name]
    assert flaws("Dashboard", page) == []
    places = [panel["gridPos"] for panel in page["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
    for panel in page["panels"]:
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


@pytest.mark.parametrize("name", PAGES)
def test_the_data_source_of_each_panel_is_the_provisioned_one(name: str) -> None:
    """By a variable that offers those of its type, of which there is one."""
    page = PAGES[name]
    (variable,) = page["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", source()["type"])
    used = [panel["datasource"] for panel in page["panels"]]
    used += [target["datasource"] for panel in page["panels"] for target in panel["targets"]]
    wanted = {"type": source()["type"], "uid": f"${{{variable['name']}}}"}
    assert all(one == wanted for one in used)


def test_dashboards_are_told_apart_and_lead_to_each_other() -> None:
    """Each has an id and a title of its own, the id by its file; links are by a tag that all have."""
    assert {page["uid"] for page in PAGES.values()} == {f"seawall-{name}" for name in PAGES}
    assert len({page["title"] for page in PAGES.values()}) == len(PAGES)
    for page in PAGES.values():
        (link,) = page["links"]
        assert all(set(link["tags"]) <= set(other["tags"]) for other in PAGES.values())


def test_legends_name_labels_that_their_queries_leave() -> None:
    """A label that was summed away would be an empty name."""
    for page in PAGES.values():
        for panel in page["panels"]:
            for target in panel["targets"]:
                kept = re.findall(r"by \(([^)]*)\)", target["expr"])
                labels = {label.strip() for group in kept for label in group.split(",")}
                for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                    assert not kept or label in labels, (page["uid"], panel["title"], label)


BROKEN: dict[str, tuple[Callable[[Document], Any], str]] = {
    "a field that Grafana does not know": (lambda page: page.update(refesh="5s"), "'refesh' was unexpected"),
    "a panel without a place": (lambda page: page["panels"][0].pop("gridPos"), "'gridPos' is a required property"),
    "a panel beside the page": (lambda page: page["panels"][0]["gridPos"].update(x=24), "24 is greater than"),
    "no query": (lambda page: page["panels"][0].update(targets=[]), "[] should be non-empty"),
    "an id that is too long": (lambda page: page.update(uid="x" * 41), "does not match"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_dashboard_is_not_valid(what: str) -> None:
    """Each of these mistakes is found, and named."""
    breaks, says = BROKEN[what]
    page = copy.deepcopy(PAGES["overview"])
    breaks(page)
    assert any(says in message for message in flaws("Dashboard", page))
