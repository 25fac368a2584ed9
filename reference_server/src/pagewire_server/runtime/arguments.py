"""What a program passes to its calls, checked before anything is sent; errors name what was wrong and what is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypedDict, TypeVar

from pydantic import ValidationError

from pagewire_protocol.codec import describe
from pagewire_protocol.command_messages import SetEnvParams
from pagewire_protocol.fields import WireModel
from pagewire_protocol.json_values import check_json, well_formed

Params = TypeVar("Params", bound=WireModel)


class Settings(TypedDict, total=False):
    """The settings of `set_env`."""

    title: str
    output_animation: bool
    auto_scroll_bottom: bool
    http_pull_interval: int
    input_panel_fixed: bool
    input_panel_min_height: int
    input_panel_init_height: int
    input_auto_focus: bool
    output_max_width: str


SETTING_TYPES: Final[dict[str, str]] = {
    "title": "a str of at most 4096 characters",
    "output_animation": "a bool",
    "auto_scroll_bottom": "a bool",
    "http_pull_interval": "an int of milliseconds, 1 to 86400000",
    "input_panel_fixed": "a bool",
    "input_panel_min_height": "an int of pixels, above 75 and at most 100000",
    "input_panel_init_height": "an int of pixels, above 175 and at most 100000",
    "input_auto_focus": "a bool",
    "output_max_width": "a str of pixels or percent, such as '880px' or '80%'",
}
"""What each setting takes, for people."""


def make_params(model: type[Params], call: str, **fields: Any) -> Params:  # noqa: ANN401 - checked right here
    """Return the params of a command; ValueError says which field of the call is wrong, and how."""
    try:
        return _validate(model, fields)
    except ValidationError as error:
        raise ValueError(f"{call}(): {describe(error)}") from None


def check_arguments(arguments: Mapping[str, object]) -> None:
    """Refuse, with the path to it, what JSON cannot carry to the script."""
    for name, value in arguments.items():
        check_json(value, name)


def check_settings(settings: Mapping[str, object]) -> SetEnvParams:
    """Return the settings as params; TypeError for an unknown name, ValueError for a bad value, by name."""
    for name in settings:
        if name not in SETTING_TYPES:
            raise TypeError(f"set_env() has no setting {name!r}; it takes {', '.join(SETTING_TYPES)}")
    try:
        return _validate(SetEnvParams, settings)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise ValueError(f"set_env(): {name} is {settings[name]!r}; it takes {SETTING_TYPES[name]}") from None


def _validate(model: type[Params], fields: Mapping[str, object]) -> Params:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        if any(complaint["type"] == "string_unicode" for complaint in error.errors()):
            return model.model_validate(well_formed(dict(fields)))
        raise
