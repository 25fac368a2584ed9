"""ENV-1 to ENV-5: the settings of a page, and of clients that have none."""

from __future__ import annotations

from typing import Any

import pytest

from pagewire_conformance.messages import set_env
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

SETTINGS: dict[str, Any] = {
    "title": "Conformance ± 🧪",
    "output_animation": False,
    "auto_scroll_bottom": True,
    "http_pull_interval": 500,
    "input_panel_fixed": True,
    "input_panel_min_height": 76,
    "input_panel_init_height": 176,
    "input_auto_focus": False,
    "output_max_width": "66.5%",
}


@requirement("ENV-1", "ENV-2", "ENV-3")
def test_setting_is_applied_or_ignored(peer: Peer) -> None:
    """ENV-1, ENV-2: each of the nine is in one of the two lists, and in no other company."""
    for name, value in SETTINGS.items():
        with peer.part(name):
            result = peer.result(set_env(**{name: value}))
            assert sorted(result["applied"] + result["ignored"]) == [name]


@requirement("ENV-1")
@profile(Profile.PAGE)
@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "http_pull_interval"])
def test_setting_has_its_effect(peer: Peer, name: str) -> None:
    """ENV-1: what is named in `applied` is in effect when the result comes."""
    peer.needs_page()
    if name not in peer.result(set_env(**{name: SETTINGS[name]}))["applied"]:
        raise peer.unverified(f"{name} has no effect here, the client says")
    assert peer.seen.setting(name) == SETTINGS[name]


@requirement("ENV-1")
def test_no_settings_at_all(peer: Peer) -> None:
    """ENV-1: an empty command is a good one."""
    assert peer.result(set_env()) == {"applied": [], "ignored": []}


@requirement("ENV-2")
def test_pull_interval_has_no_effect_here(peer: Peer) -> None:
    """ENV-2: over a WebSocket nothing is pulled."""
    assert peer.result(set_env(http_pull_interval=1)) == {"applied": [], "ignored": ["http_pull_interval"]}


@requirement("ENV-2")
def test_client_without_a_page_ignores_all(peer: Peer) -> None:
    """ENV-2: without a page all nine are without effect."""
    if peer.has_page:
        raise peer.not_offered("the client has a page")
    result = peer.result(set_env(**SETTINGS))
    assert (result["applied"], sorted(result["ignored"])) == ([], sorted(SETTINGS))


@requirement("ENV-2")
@profile(Profile.PAGE)
def test_heights_have_no_effect_while_the_panel_is_not_fixed(peer: Peer) -> None:
    """ENV-2: the command's own `input_panel_fixed` is applied first, wherever it stands."""
    peer.needs_page()
    heights = {"input_panel_min_height": 100, "input_panel_init_height": 200}
    result = peer.result(set_env(**heights, input_panel_fixed=False))
    if "input_panel_fixed" not in result["applied"]:
        raise peer.unverified("the page has no input panel, the client says")
    assert result["applied"] == ["input_panel_fixed"]
    assert sorted(result["ignored"]) == sorted(heights)
    again = peer.result(set_env(**heights, input_panel_fixed=True))
    assert sorted(again["applied"]) == sorted([*heights, "input_panel_fixed"])


@requirement("ENV-3")
def test_unknown_names_are_in_neither_list(peer: Peer) -> None:
    """ENV-3: names that are not in the table are in neither list, whatever they hold."""
    result = peer.result(set_env(novelty=1, constructor="x", title="T"))
    assert result["applied"] + result["ignored"] == ["title"]


@requirement("ENV-4")
@profile(Profile.PAGE)
def test_none_is_applied_if_one_is_invalid(peer: Peer) -> None:
    """ENV-4: the good ones beside an invalid one are not applied either."""
    peer.needs_page()
    peer.result(set_env(title="before"))
    peer.error(set_env(title="after", output_max_width="wide"), "invalid_command")
    assert peer.seen.setting("title") == "before"


@requirement("ENV-5")
@profile(Profile.PAGE)
def test_what_is_not_named_stays(peer: Peer) -> None:
    """ENV-5: a later command leaves the settings that it does not name."""
    peer.needs_page()
    peer.result(set_env(title="stays"))
    peer.result(set_env(output_animation=False))
    assert peer.seen.setting("title") == "stays"
