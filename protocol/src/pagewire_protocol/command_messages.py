"""Commands of the server: the params and the result of each; then `cancel`, which gives up waiting for one.

The settings of `set_env` are declared once, as the fields of `SetEnvParams`; `SETTINGS` is read from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypedDict, get_args

from pydantic import MISSING, FailFast, Field
from typing_extensions import TypeAliasType

from pagewire_protocol.fields import (
    Arguments,
    Base64,
    CommandId,
    FileName,
    Integer,
    Json,
    MediaType,
    Name,
    WireModel,
)


class EmptyResult(WireModel):
    """The result of a command that returns nothing: run_js and go_app."""


class RunJsParams(WireModel):
    """The code to run."""

    code: str
    """Statements of JavaScript."""
    args: Arguments
    """Variables of the code, by name."""


class EvalJsParams(WireModel):
    """The expression to evaluate."""

    expression: str
    """One expression of JavaScript."""
    args: Arguments
    """Variables of the expression, by name."""


class EvalJsResult(WireModel):
    """The value of an expression."""

    value: Json
    """What `JSON.stringify` makes of it; null where that is `undefined`."""


class InlineContent(WireModel):
    """A file's content in the message itself."""

    kind: Literal["inline"]
    """The content is in this message."""
    base64: Base64
    """RFC 4648, section 4, with padding."""


class StreamContent(WireModel):
    """A file's content in the binary frames that follow. SPEC section 10."""

    kind: Literal["stream"]
    """The content follows in binary frames."""


DownloadContent = TypeAliasType(
    "DownloadContent",
    Annotated[
        InlineContent | StreamContent,
        Field(discriminator="kind", description="Where a file's bytes are: in this message, or in binary frames."),
    ],
)
"""Where a file's content is."""

CONTENT_KINDS: Final = tuple(
    get_args(model.model_fields["kind"].annotation)[0] for model in (InlineContent, StreamContent)
)
"""The values of `kind` in `DownloadContent`."""


class DownloadParams(WireModel):
    """The file to save."""

    name: FileName
    """The name to save under; the client makes it safe."""
    media_type: MediaType
    """The file's type, for example `text/csv; charset=utf-8`."""
    size: Integer | None
    """Bytes, or null if unknown."""
    content: DownloadContent


class DownloadResult(WireModel):
    """A file was handed over to be saved."""

    bytes: Integer
    """How many bytes were handed over."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a setting of `set_env` accepts, and what it is before a program changes it."""

    accepts: str
    """For a Python program's error messages: `a bool`."""
    default: bool | int | str | None = None
    """None where the page decides."""
    since: str = "1.0"


_Pixels = Annotated[int, Field(le=100_000)]


class SetEnvParams(WireModel):
    """The settings to change; a setting that is absent stays as it is."""

    title: Annotated[Annotated[str, Field(max_length=4096)] | MISSING, Setting("a str of at most 4096 characters")] = (
        MISSING
    )
    """The page's title."""
    output_animation: Annotated[bool | MISSING, Setting("a bool", default=True)] = MISSING
    """Whether new output appears with an animation (true)."""
    auto_scroll_bottom: Annotated[bool | MISSING, Setting("a bool", default=False)] = MISSING
    """Whether output appended at the root scrolls the page to its bottom (false)."""
    http_pull_interval: Annotated[
        Annotated[int, Field(ge=1, le=86_400_000)] | MISSING,
        Setting("an int of milliseconds, 1 to 86400000", default=1000),
    ] = MISSING
    """Milliseconds between polls, for sessions over HTTP only (1000)."""
    input_panel_fixed: Annotated[bool | MISSING, Setting("a bool", default=True)] = MISSING
    """Whether the input panel is fixed to the bottom of the window (true)."""
    input_panel_min_height: Annotated[
        Annotated[_Pixels, Field(ge=76)] | MISSING,
        Setting("an int of pixels, above 75 and at most 100000", default=300),
    ] = MISSING
    """Pixels, for a fixed panel only (300)."""
    input_panel_init_height: Annotated[
        Annotated[_Pixels, Field(ge=176)] | MISSING,
        Setting("an int of pixels, above 175 and at most 100000", default=300),
    ] = MISSING
    """Pixels, for a fixed panel only (300)."""
    input_auto_focus: Annotated[bool | MISSING, Setting("a bool", default=True)] = MISSING
    """Whether an input that is shown gets the focus (true)."""
    output_max_width: Annotated[
        Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})?(px|%)$")] | MISSING,
        Setting("a str of pixels or percent, such as '880px' or '80%'", default="880px"),
    ] = MISSING
    """The greatest width of the output area, in pixels or percent (`880px`)."""


SETTINGS: Final[dict[str, Setting]] = {
    name: part
    for name, field in SetEnvParams.model_fields.items()
    for part in field.metadata
    if isinstance(part, Setting)
}
"""Every setting of `set_env`, by name."""


class Settings(TypedDict, total=False):
    """The settings of `set_env`, as a Python program passes them. A type checker can't derive it from the model."""

    title: str
    output_animation: bool
    auto_scroll_bottom: bool
    http_pull_interval: int
    input_panel_fixed: bool
    input_panel_min_height: int
    input_panel_init_height: int
    input_auto_focus: bool
    output_max_width: str


SettingName = Annotated[str, Field(max_length=128, json_schema_extra={"x-strict": {"enum": list(SETTINGS)}})]


class SetEnvResult(WireModel):
    """What became of the settings."""

    applied: Annotated[list[SettingName], FailFast()]
    """The settings that have an effect."""
    ignored: Annotated[list[SettingName], FailFast()]
    """The settings that are known but without effect here."""


class GoAppParams(WireModel):
    """The app to jump to."""

    app: Name
    """The app to open."""
    new_window: bool
    """Whether in a new window, or in this one."""


class CancelParams(WireModel):
    """The command that is no longer waited for."""

    id: CommandId
    """The id of the command that the server no longer waits for."""
