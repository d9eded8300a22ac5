"""What users may rely on: Locust's habits, redirects, cookies, large bodies, TLS, and every kind of end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Run all scenarios once."""
    done = subprocess.run(
        [sys.executable, "-P", str(HERE / "client_scenarios.py"), str(HERE / "tls")],
        capture_output=True, text=True, timeout=60, check=False, cwd=HERE.parents[1], env={"PYTHONPATH": "."},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results


OK = [200, "ok", None]


def test_follows_redirects_as_browsers_do(found: dict[str, Any]) -> None:
    """303 asks by GET, 307 repeats body and method; loops and nowhere are failures; each is one request to Locust."""
    told = found["redirects"]
    assert told["results"][:2] == [OK, OK]
    assert [result[::2] for result in told["results"][2:4]] == [[0, "ConnectionError"]] * 2
    assert told["results"][4:] == [OK, [303, "", None]]
    assert told["landed"] == [["GET", "/landed?x=1", ""], ["POST", "/landed", "body"]]
    assert told["rounds"] == 1 + 3
    assert [report[1] for report in told["reports"]] == [
        "/to-get",
        "/to-post",
        "/round",
        "/nowhere",
        "/away",
        "/to-get",
    ]


def test_keeps_secrets_from_other_addresses(found: dict[str, Any]) -> None:
    """What the address's user and password make goes to that address alone."""
    assert found["redirects"]["secret_here"].startswith("Basic ")
    assert found["redirects"]["secret_there"] is None


def test_each_user_has_cookies_of_its_own(found: dict[str, Any]) -> None:
    """Sent back where their path allows; another user knows nothing of them."""
    assert found["cookies"] == [None, None, "session=abc", "theme=dark; session=abc", None]


def test_decodes_bodies_and_headers(found: dict[str, Any]) -> None:
    """A compressed body that ends too early is no answer."""
    told = found["encodings"]
    assert told["/gzip"] == told["/deflate"] == [200, "packed", None]
    assert told["/bad-gzip"][0] == 0
    assert told["text"] == [{"a": "\u00e9"}, "\u00e9", "1, 2"]


def test_sends_what_was_asked_for(found: dict[str, Any]) -> None:
    """Bodies, addresses and headers in all the forms that Locust's clients take."""
    requests = found["what_is_sent"]["requests"]
    assert [request["target"] for request in requests] == [
        "/base/p", "/base/p", "/base/p", "/base/p%20q/%C3%A9?a=%C3%BC&b=1&b=2", "/base?q=1", "/whole",
        "/base/p", "/base/p",
    ]  # fmt: skip
    json_post, form, text, query, *_, own, secret = requests
    assert (json_post["body"], json_post["headers"]["content-type"]) == ('{"a": 1}', "application/json")
    assert (form["body"], form["headers"]["content-type"]) == ("a=1+2&b=x&b=y", "application/x-www-form-urlencoded")
    assert text["length"] == len("é".encode())
    assert "content-length" not in query["headers"]
    assert (own["headers"]["accept"], own["headers"]["content-length"]) == ("c/d", "0")
    assert secret["headers"]["authorization"].startswith("Basic ")
    assert all(request["headers"]["x-default"] == "1" for request in requests)
    assert {request["headers"]["accept"] for request in requests} == {"application/json", "a/b", "c/d"}


def test_refuses_what_cannot_be_sent(found: dict[str, Any]) -> None:
    """Headers that would smuggle, and addresses that are none, raise and send nothing."""
    refused = found["what_is_sent"]["refused"]
    assert len(refused) == 7
    assert sum("line break" in reason for reason in refused) == 2
    assert len(found["what_is_sent"]["requests"]) == 8


def test_has_locusts_habits(found: dict[str, Any]) -> None:
    """Names, with-blocks, verdicts of the user's own; an error in a block is not reported, and goes on."""
    told = found["habits"]
    assert told["events"] == [
        ["gone", None, 2], ["/ok", "not what was wanted", 2], ["renamed", None, 2], ["changed", None, 2],
    ]  # fmt: skip
    assert told["context"] == {"a": 1}
    assert told["complaints"] == ["LocustError", "LocustError"]
    assert told["keys"] == [
        "context", "exception", "name", "request_type", "response", "response_length", "response_time",
        "start_time", "url",
    ]  # fmt: skip


def test_moves_large_bodies(found: dict[str, Any]) -> None:
    """In both directions; a server may refuse a body before it has read it, and its answer counts."""
    told = found["large"]
    assert told["up"] == told["after"] == OK
    assert told["uploaded"] == 3_000_000
    assert told["refused"][:2] == [413, "too large"]
    assert told["down"] == [3_000_000, 3_000_000]


def test_notices_every_kind_of_end(found: dict[str, Any]) -> None:
    """Resets, silence and nobody there are failures without a status; a connection that is out of step is left."""
    told = found["ends"]
    assert told["/resets"][::2] == [0, "ConnectionResetError"]
    assert told["/hangs"][::2] == [0, "TimeoutError"]
    assert told["nobody there"][::2] == [0, "ConnectionRefusedError"]
    assert told["/too-much"] == told["/x"] == told["/closes-later"] == told["after the close"] == OK
    assert told["connections"] == 5
    assert told["head"] == [[200, "", None], OK, 1]


def test_a_request_that_was_cut_off_is_told_apart(found: dict[str, Any]) -> None:
    """Its user was ended: no success, no failure, and the record may be there or not."""
    assert found["killed"] == [0, [["GET", "/hangs", True]], OK]


def test_greenlets_of_one_user_do_not_mix_answers(found: dict[str, Any]) -> None:
    """Each request under way has a connection of its own."""
    assert found["side_by_side"] == [[3_000_000, 3_000_000, 2], 3]


def test_does_the_same_through_tls(found: dict[str, Any]) -> None:
    """One context for all users; certificates are checked where that is asked for."""
    told = found["tls"]
    assert told["results"] == [OK, OK, OK]
    assert told["sizes"] == [3_000_000, 3_000_000]
    assert (told["connections"], told["contexts"]) == (1, 1)
    assert told["strict"][::2] == [0, "SSLCertVerificationError"]
    assert told["known"] == OK
    assert told["plain"]
    assert told["hangs"][::2] == [0, "TimeoutError"]
    assert told["resets"] == 0
