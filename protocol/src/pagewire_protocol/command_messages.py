"""What the server asks of the page: run_js, eval_js, download, set_env, go_app, and cancel."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, Field
from typing_extensions import TypeAliasType

from pagewire_protocol.fields import (
    Arguments,
    Base64,
    CommandId,
    FileName,
    Integer,
    MediaType,
    Name,
    Seq,
    WireModel,
)


class RunJsParams(WireModel):
    """See RunJs."""

    code: str
    """Statements of JavaScript."""
    args: Arguments
    """Variables of the code, by name."""


class RunJs(WireModel):
    """Runs code in the page. SPEC section 5.1."""

    type: Literal["run_js"]
    seq: Seq
    id: CommandId
    params: RunJsParams


class EvalJsParams(WireModel):
    """See EvalJs."""

    expression: str
    """One expression of JavaScript."""
    args: Arguments
    """Variables of the expression, by name."""


class EvalJs(WireModel):
    """Asks for the value of an expression; a promise is awaited. SPEC section 5.2."""

    type: Literal["eval_js"]
    seq: Seq
    id: CommandId
    params: EvalJsParams


class InlineContent(WireModel):
    """A file's content in the message itself."""

    kind: Literal["inline"]
    base64: Base64
    """RFC 4648, section 4, with padding."""


class StreamContent(WireModel):
    """A file's content in the binary frames that follow. SPEC section 10."""

    kind: Literal["stream"]


DownloadContent = TypeAliasType(
    "DownloadContent", Annotated[InlineContent | StreamContent, Field(discriminator="kind")]
)


class DownloadParams(WireModel):
    """See Download."""

    name: FileName
    """The name to save under; the client makes it safe."""
    media_type: MediaType
    size: Integer | None
    """Bytes, or null if unknown."""
    content: DownloadContent


class Download(WireModel):
    """Gives the user a file. SPEC section 5.4."""

    type: Literal["download"]
    seq: Seq
    id: CommandId
    params: DownloadParams


class SetEnvParams(WireModel):
    """See SetEnv. What is absent stays as it is."""

    title: Annotated[str, Field(max_length=4096)] | MISSING = MISSING
    """The page's title."""
    output_animation: bool | MISSING = MISSING
    """Whether new output appears with an animation (true)."""
    auto_scroll_bottom: bool | MISSING = MISSING
    """Whether output appended at the root scrolls the page to its bottom (false)."""
    http_pull_interval: Annotated[int, Field(ge=1, le=86_400_000)] | MISSING = MISSING
    """Milliseconds between polls, for sessions over HTTP only (1000)."""
    input_panel_fixed: bool | MISSING = MISSING
    """Whether the input panel is fixed to the bottom of the window (true)."""
    input_panel_min_height: Annotated[int, Field(ge=76, le=100_000)] | MISSING = MISSING
    """Pixels, for a fixed panel only (300)."""
    input_panel_init_height: Annotated[int, Field(ge=176, le=100_000)] | MISSING = MISSING
    """Pixels, for a fixed panel only (300)."""
    input_auto_focus: bool | MISSING = MISSING
    """Whether an input that is shown gets the focus (true)."""
    output_max_width: Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})?(px|%)$")] | MISSING = MISSING
    """The greatest width of the output area, in pixels or percent (`880px`)."""


class SetEnv(WireModel):
    """Sets up the page. SPEC section 5.5."""

    type: Literal["set_env"]
    seq: Seq
    id: CommandId
    params: SetEnvParams


class GoAppParams(WireModel):
    """See GoApp."""

    app: Name
    """The app to open."""
    new_window: bool
    """Whether in a new window, or in this one."""


class GoApp(WireModel):
    """Jumps to another app of the server. SPEC section 5.6."""

    type: Literal["go_app"]
    seq: Seq
    id: CommandId
    params: GoAppParams


class CancelParams(WireModel):
    """See Cancel."""

    id: CommandId
    """The command that the server no longer waits for."""


class Cancel(WireModel):
    """Gives up waiting for a command; stops no code. SPEC section 5.7."""

    type: Literal["cancel"]
    seq: Seq
    params: CancelParams
