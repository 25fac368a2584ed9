"""WIRE-19: a command with invalid params is answered, has no effect, and the session goes on."""

from __future__ import annotations

from typing import Any

import pytest

from pagewire_conformance.messages import download_of, eval_js, go_app, run_js, set_env
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

INLINE = {"kind": "inline", "base64": "AAAA"}
ABSENT = object()


def changed(command: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a command with some of its params changed, or left out."""
    params = command["params"] | changes
    return {**command, "params": {key: value for key, value in params.items() if value is not ABSENT}}


COMMANDS: dict[str, tuple[dict[str, Any], str]] = {
    "run_js_params_missing": ({"type": "run_js"}, "params"),
    "run_js_params_array": ({"type": "run_js", "params": []}, "params"),
    "run_js_params_null": ({"type": "run_js", "params": None}, "params"),
    "run_js_code_missing": (changed(run_js("1"), code=ABSENT), "code"),
    "run_js_code_null": (changed(run_js("1"), code=None), "code"),
    "run_js_code_number": (changed(run_js("1"), code=1), "code"),
    "run_js_args_missing": (changed(run_js("1"), args=ABSENT), "args"),
    "run_js_args_null": (changed(run_js("1"), args=None), "args"),
    "run_js_args_array": (changed(run_js("1"), args=[]), "args"),
    "eval_js_params_missing": ({"type": "eval_js"}, "params"),
    "eval_js_params_string": ({"type": "eval_js", "params": "1"}, "params"),
    "eval_js_expression_missing": (changed(eval_js("1"), expression=ABSENT), "expression"),
    "eval_js_expression_object": (changed(eval_js("1"), expression={}), "expression"),
    "eval_js_args_missing": (changed(eval_js("1"), args=ABSENT), "args"),
    "eval_js_args_string": (changed(eval_js("1"), args="a"), "args"),
    "download_name_missing": (changed(download_of(INLINE), name=ABSENT), "name"),
    "download_name_empty": (changed(download_of(INLINE), name=""), "name"),
    "download_name_too_long": (changed(download_of(INLINE), name="x" * 1025), "name"),
    "download_name_null": (changed(download_of(INLINE), name=None), "name"),
    "download_media_type_missing": (changed(download_of(INLINE), media_type=ABSENT), "media_type"),
    "download_media_type_without_slash": (changed(download_of(INLINE), media_type="text"), "media_type"),
    "download_media_type_with_newline": (changed(download_of(INLINE), media_type="text/plain\r\nx: y"), "media_type"),
    "download_size_missing": (changed(download_of(INLINE), size=ABSENT), "size"),
    "download_size_negative": (changed(download_of(INLINE), size=-1), "size"),
    "download_size_fraction": (changed(download_of(INLINE), size=0.5), "size"),
    "download_size_string": (changed(download_of(INLINE), size="3"), "size"),
    "download_content_missing": (changed(download_of(INLINE), content=ABSENT), "content"),
    "download_content_null": (changed(download_of(INLINE), content=None), "content"),
    "download_content_string": (changed(download_of(INLINE), content="AAAA"), "content"),
    "download_kind_missing": (download_of({"base64": "AAAA"}), "kind"),
    "download_kind_unknown": (download_of({"kind": "url"}), "kind"),
    "download_base64_missing": (download_of({"kind": "inline"}), "base64"),
    "download_base64_null": (download_of({"kind": "inline", "base64": None}), "base64"),
    "set_env_params_missing": ({"type": "set_env"}, "params"),
    "set_env_params_array": ({"type": "set_env", "params": []}, "params"),
    "go_app_app_missing": (changed(go_app("x", new_window=True), app=ABSENT), "app"),
    "go_app_app_empty": (go_app("", new_window=True), "app"),
    "go_app_app_too_long": (go_app("x" * 129, new_window=True), "app"),
    "go_app_new_window_missing": (changed(go_app("x", new_window=True), new_window=ABSENT), "new_window"),
    "go_app_new_window_string": (changed(go_app("x", new_window=True), new_window="true"), "new_window"),
}

SETTINGS: dict[str, tuple[str, Any]] = {
    "title_number": ("title", 1),
    "title_too_long": ("title", "x" * 4097),
    "title_null": ("title", None),
    "output_animation_string": ("output_animation", "true"),
    "output_animation_number": ("output_animation", 1),
    "auto_scroll_bottom_null": ("auto_scroll_bottom", None),
    "http_pull_interval_zero": ("http_pull_interval", 0),
    "http_pull_interval_too_large": ("http_pull_interval", 86_400_001),
    "http_pull_interval_fraction": ("http_pull_interval", 1.5),
    "input_panel_fixed_number": ("input_panel_fixed", 0),
    "input_panel_min_height_75": ("input_panel_min_height", 75),
    "input_panel_min_height_string": ("input_panel_min_height", "300"),
    "input_panel_init_height_175": ("input_panel_init_height", 175),
    "input_panel_init_height_too_large": ("input_panel_init_height", 100_001),
    "input_auto_focus_array": ("input_auto_focus", []),
    "output_max_width_number": ("output_max_width", 880),
    "output_max_width_without_unit": ("output_max_width", "880"),
    "output_max_width_negative": ("output_max_width", "-1px"),
    "output_max_width_em": ("output_max_width", "10em"),
    "output_max_width_with_css": ("output_max_width", "1px; color: red"),
    "output_max_width_newline": ("output_max_width", "880px\n"),
}


@requirement("WIRE-19", "WIRE-13")
@pytest.mark.parametrize("type_", ["run_js", "eval_js", "download", "set_env", "go_app"])
def test_invalid_params(peer: Peer, type_: str) -> None:
    """WIRE-19: the answer is invalid_command, its message names the field, and the session goes on."""
    count = 0
    for name, (command, field) in COMMANDS.items():
        if command["type"] != type_:
            continue
        with peer.part(name):
            message = peer.error(command, "invalid_command")["message"]
            assert field in message, f"the message does not name {field}: {message!r}"
            count += 1
    assert peer.ping() == count
    assert peer.value("1 + 1") == 2


@requirement("ENV-4", "WIRE-19")
def test_invalid_setting(peer: Peer) -> None:
    """ENV-4: a setting with an invalid value is answered by invalid_command, which names it."""
    for name, (setting, value) in SETTINGS.items():
        with peer.part(name):
            message = peer.error(set_env(**{setting: value}), "invalid_command")["message"]
            assert setting in message, f"the message does not name {setting}: {message!r}"


@requirement("WIRE-19")
def test_invalid_command_has_no_effect(peer: Peer) -> None:
    """WIRE-19: no code of a command with invalid params is run."""
    peer.error(changed(run_js("globalThis.ran = 1"), args=None), "invalid_command")
    assert peer.value("typeof ran") == "undefined"
