"""What `up` says once the stack is up."""

from __future__ import annotations

import msgspec
import pytest

from seawall.cli.addresses import print_addresses
from seawall.cli.consoles import output_console
from seawall.stack.prometheus import MISSING, find_prometheus
from seawall.stack.stack import Stack


def said_with(stack: Stack, *, observe: bool) -> str:
    """Return what is said of a stack that was started with or without `--observe`, and has no Prometheus."""
    options = msgspec.structs.replace(stack.state.options, observe=observe)
    with output_console().capture() as said:
        print_addresses(msgspec.structs.replace(stack.state, options=options), is_new=True)
    return said.get()


def test_where_no_prometheus_is_installed_a_line_says_so(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only to those who asked for one."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_prometheus() is None
    assert MISSING in said_with(stack, observe=True)
    assert "Prometheus" not in said_with(stack, observe=False)
