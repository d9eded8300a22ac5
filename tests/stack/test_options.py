"""What a stack may look like."""

import pytest

from seawall.stack.errors import BadOptions
from seawall.stack.options import StackOptions


def test_all_problems_are_named_at_once() -> None:
    """Every option that cannot be used is in the one message."""
    with pytest.raises(BadOptions) as caught:
        StackOptions(brokers=2, partitions=0, sinks=-1, api_port=70000).checked()
    assert all(word in str(caught.value) for word in ("brokers", "partitions", "sinks", "port"))


def test_a_feed_has_a_source_that_is_there() -> None:
    """Each once, and the log's not without the log."""
    assert StackOptions(feeds=("log", "database")).checked().feeds == ("log", "database")
    for feeds, kafka, says in (
        (("rumour",), True, "feeds"),
        (("log", "log"), True, "once"),
        (("log",), False, "Kafka"),
    ):
        with pytest.raises(BadOptions, match=says):
            StackOptions(feeds=feeds, kafka=kafka).checked()


def test_good_options_are_returned() -> None:
    """Options that can be used come back as they are."""
    options = StackOptions(brokers=3, sinks=9)
    assert options.checked() is options


def test_another_module_than_the_real_one_makes_a_stack_a_control() -> None:
    """Whoever reads the state file sees it."""
    assert not StackOptions().control
    assert StackOptions(api_module="controls.api").control
    assert StackOptions(sink_module="controls.sink").control
