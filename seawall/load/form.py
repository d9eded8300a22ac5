"""What somebody enters into the form of Locust's page, checked before a run starts.

Locust takes values as they come, and learns what is wrong with them when the users do.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from locust.env import Environment

from seawall.load.options import LoadOptions, judging_options


def mistakes_in(form: Mapping[str, str], options: Any) -> str:
    """Return what is wrong with a form's values of our options, in words; an empty text where nothing is."""
    entered, wrong = Namespace(**vars(options)), []
    for name, value in form.items():
        was = getattr(entered, name, None)
        try:
            if isinstance(was, bool):
                setattr(entered, name, value == "true")
            elif isinstance(was, str | int | float):
                setattr(entered, name, type(was)(value))
        except ValueError:
            kind = "whole number" if isinstance(was, int) else "number"
            wrong.append(f"--{name.replace('_', '-')} must be a {kind}, and {value!r} is none")
    if not wrong:
        for check in (LoadOptions.of, judging_options):
            try:
                check(entered)
            except ValueError as error:
                wrong.append(str(error))
    return "; ".join(wrong)


def offer_user_classes(environment: Environment) -> None:
    """Let people choose among user classes in the page, where the command line named none of several."""
    options: Any = environment.parsed_options
    web_ui = environment.web_ui
    if web_ui is not None and not options.user_classes and len(environment.user_classes) > 1:
        web_ui.userclass_picker_is_active = True
