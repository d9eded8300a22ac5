"""What somebody enters into the form of Locust's page, checked before a run starts.

Locust takes values as they come, and learns what is wrong with them when the users do.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from functools import partial
from typing import Any

from locust.env import Environment

from seawall.load.options import LoadOptions, judging_options
from seawall.load.shapes import check_shape


def mistakes_in(form: Mapping[str, str], options: Any, shape: object = None) -> str:
    """Return what is wrong with a form's values of our options, in words; an empty text where nothing is.

    *shape* is the one that the run would have.
    """
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
        for check in (LoadOptions.of, judging_options, partial(check_shape, shape)):
            try:
                check(entered)
            except ValueError as error:
                wrong.append(str(error))
    return "; ".join(wrong)


def chosen_shape(form: Mapping[str, str], environment: Environment) -> object:
    """Return the shape of the run that a form would start; None without one."""
    name = form.get("shape_class")
    if name is None or not may_choose(environment):
        return environment.shape_class
    return (environment.available_shape_classes or {}).get(name)


def offer_user_classes(environment: Environment) -> None:
    """Let people choose among user classes in the page, where the command line named none of several."""
    if environment.web_ui is not None and may_choose(environment):
        environment.web_ui.userclass_picker_is_active = True


def may_choose(environment: Environment) -> bool:
    """Tell whether the page lets people choose user classes and shape."""
    options: Any = environment.parsed_options
    several = not options.user_classes and len(environment.user_classes) > 1
    return environment.web_ui is not None and bool(options.class_picker or several)
