"""What `doctor` says of Spark, an extra that most machines lack."""

from __future__ import annotations

import pytest

from seawall.stack import spark
from seawall.stack.checks import CHECKS, Verdict
from seawall.stack.errors import NoJava, NoSpark

CHECK = next(one for one in CHECKS if one.name == "Spark")


@pytest.mark.parametrize(
    ("error", "verdict", "said"),
    [(NoSpark("none"), Verdict.OK, spark.INSTALL), (NoJava("Spark needs Java 17"), Verdict.WARNING, "needs Java 17")],
)
def test_what_is_missing_is_said(
    error: Exception, verdict: Verdict, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No extra is fine; one that cannot run is not."""

    def require_spark() -> None:
        raise error

    monkeypatch.setattr(spark, "require_spark", require_spark)
    (found,) = CHECK.run()
    assert found.verdict is verdict
    assert said in found.text


def test_what_is_there_is_named() -> None:
    """On this machine, whichever it is."""
    (found,) = CHECK.run()
    assert "stream spark" in found.text
