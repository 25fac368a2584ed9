"""Each setting of `set_env` has its effect on the page, and the program is told which had one (SPEC section 5.5)."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import pytest
from live_server import PATIENCE
from playwright.sync_api import Page, expect

from pagewire_server.session import eval_js, run_js, set_env

Visit = Callable[..., Page]
Results = SimpleQueue[Any]

FIRST_STEPS = """
    globalThis.output = document.getElementById("pagewire-output");
    globalThis.panel = document.getElementById("pagewire-input");
    globalThis.append = (parent, tag, style = "") => {
      const element = Object.assign(document.createElement(tag), { style });
      parent.append(element);
      return element;
    };
    globalThis.show = (tag) => { panel.replaceChildren(); return append(panel, tag); };
"""
"""What the apps here use; what the page does on a change of its content is done by the time of the next command."""


@pytest.fixture
def results() -> Results:
    """What the app of a test found, for the test to see."""
    return SimpleQueue()


def setting(**settings: Any) -> tuple[list[str], list[str]]:
    """Set up the page; return what was applied and what was ignored."""
    result = set_env(**settings).wait(PATIENCE)
    return sorted(result.applied), sorted(result.ignored)


def test_the_title_is_the_title_of_the_page(visit: Visit, results: Results) -> None:
    """Title, with what HTML would read otherwise."""

    def main() -> None:
        results.put(setting(title="Träume & <b>Räume</b> 🎉"))

    expect(visit(main)).to_have_title("Träume & <b>Räume</b> 🎉")
    assert results.get(timeout=PATIENCE) == (["title"], [])


def test_new_output_is_animated_unless_that_is_switched_off(visit: Visit, results: Results) -> None:
    """output_animation: on at first, off, on again."""

    def names() -> Any:
        run_js("globalThis.last = append(output, 'p')")
        return eval_js("last.getAnimations().map(({ animationName }) => animationName)")

    def main() -> None:
        run_js(FIRST_STEPS)
        results.put(names())
        results.put(setting(output_animation=False))
        results.put(names())
        results.put(setting(output_animation=True))
        results.put(names())

    visit(main)
    assert [results.get(timeout=PATIENCE) for _ in range(5)] == [
        ["pagewire-enter"],
        (["output_animation"], []),
        [],
        (["output_animation"], []),
        ["pagewire-enter"],
    ]


def test_the_page_scrolls_to_its_bottom_only_for_output_at_the_root(visit: Visit, results: Results) -> None:
    """auto_scroll_bottom: off at first; then the root scrolls, and what is within does not."""
    tall = "'block-size: 3000px'"

    def is_at() -> Any:
        bottom = "document.documentElement.scrollHeight - innerHeight"
        return eval_js(f"scrollY === 0 ? 'top' : Math.abs(scrollY - ({bottom})) <= 1 ? 'bottom' : 'between'")

    def main() -> None:
        run_js(FIRST_STEPS)
        run_js(f"globalThis.inner = append(output, 'div', {tall})")
        results.put(is_at())
        results.put(setting(auto_scroll_bottom=True))
        run_js(f"append(inner, 'p', {tall})")
        results.put(is_at())
        run_js("append(output, 'p')")
        results.put(is_at())

    visit(main)
    assert [results.get(timeout=PATIENCE) for _ in range(4)] == ["top", (["auto_scroll_bottom"], []), "top", "bottom"]


def test_the_pull_interval_is_ignored_over_a_websocket(visit: Visit, results: Results) -> None:
    """ENV-2: http_pull_interval is for sessions over HTTP; what stands beside it is applied."""

    def main() -> None:
        results.put(setting(http_pull_interval=5000, title="still set"))

    expect(visit(main)).to_have_title("still set")
    assert results.get(timeout=PATIENCE) == (["title"], ["http_pull_interval"])


def test_the_input_panel_is_fixed_to_the_bottom_unless_that_is_switched_off(visit: Visit, results: Results) -> None:
    """input_panel_fixed: where the panel is, and whether the page leaves room for it."""

    def where() -> Any:
        bottom = "innerHeight - panel.getBoundingClientRect().bottom"
        room = "getComputedStyle(document.body).paddingBottom"
        return eval_js(f"[getComputedStyle(panel).position, {bottom} === 0, {room}]")

    def main() -> None:
        run_js(FIRST_STEPS)
        run_js("show('input'); await new Promise((next) => requestAnimationFrame(() => setTimeout(next)))").wait()
        results.put(where())
        results.put(setting(input_panel_fixed=False))
        results.put(where())
        results.put(setting(input_panel_fixed=True))
        results.put(where())

    visit(main)
    assert [results.get(timeout=PATIENCE) for _ in range(5)] == [
        ["fixed", True, "300px"],
        (["input_panel_fixed"], []),
        ["static", False, "0px"],
        (["input_panel_fixed"], []),
        ["fixed", True, "300px"],
    ]


def test_the_panel_begins_at_its_initial_height_and_is_never_below_its_least(visit: Visit, results: Results) -> None:
    """input_panel_init_height and input_panel_min_height, 300 px each at first."""

    def main() -> None:
        run_js(FIRST_STEPS)
        run_js("show('input')")
        heights: tuple[dict[str, int], ...] = (
            {},
            {"input_panel_init_height": 420},
            {"input_panel_init_height": 176},
            {"input_panel_min_height": 76},
            {"input_panel_min_height": 350},
        )
        for named in heights:
            results.put((*setting(**named), eval_js("panel.offsetHeight")))

    visit(main)
    assert [results.get(timeout=PATIENCE) for _ in range(5)] == [
        ([], [], 300),
        (["input_panel_init_height"], [], 420),
        (["input_panel_init_height"], [], 300),
        (["input_panel_min_height"], [], 176),
        (["input_panel_min_height"], [], 350),
    ]


def test_heights_are_ignored_and_forgotten_while_the_panel_is_not_fixed(visit: Visit, results: Results) -> None:
    """ENV-2: also in the very command that unfixes it."""
    heights = ["input_panel_init_height", "input_panel_min_height"]

    def main() -> None:
        run_js(FIRST_STEPS)
        run_js("show('input')")
        results.put(setting(input_panel_init_height=500, input_panel_min_height=400, input_panel_fixed=False))
        results.put(setting(input_panel_init_height=500, input_panel_min_height=400))
        results.put(setting(input_panel_fixed=True))
        results.put(eval_js("panel.offsetHeight"))

    visit(main)
    assert [results.get(timeout=PATIENCE) for _ in range(4)] == [
        (["input_panel_fixed"], heights),
        ([], heights),
        (["input_panel_fixed"], []),
        300,
    ]


def test_an_input_that_is_shown_gets_the_focus_unless_that_is_switched_off(visit: Visit, results: Results) -> None:
    """input_auto_focus: what can be typed into, not what stands before it."""

    def main() -> None:
        run_js(FIRST_STEPS)
        run_js("panel.append(document.createElement('p')); append(panel, 'textarea')")
        results.put(eval_js("document.activeElement.tagName"))
        results.put(setting(input_auto_focus=False))
        run_js("show('input')")
        results.put(eval_js("document.activeElement.tagName"))
        results.put(setting(input_auto_focus=True))
        run_js("show('select')")
        results.put(eval_js("document.activeElement.tagName"))

    visit(main)
    assert [results.get(timeout=PATIENCE) for _ in range(5)] == [
        "TEXTAREA",
        (["input_auto_focus"], []),
        "BODY",
        (["input_auto_focus"], []),
        "SELECT",
    ]


def test_the_output_area_is_as_wide_as_it_may_be(visit: Visit, results: Results) -> None:
    """output_max_width: 880 px at first, pixels, and percent of the window."""

    def main() -> None:
        run_js(FIRST_STEPS)
        results.put(eval_js("output.offsetWidth"))
        for width in ("1080px", "80%", "12.5%"):
            results.put((*setting(output_max_width=width), eval_js("output.offsetWidth")))

    page = visit(main)
    assert page.evaluate("document.documentElement.clientWidth") == 1280
    assert [results.get(timeout=PATIENCE) for _ in range(4)] == [
        880,
        (["output_max_width"], [], 1080),
        (["output_max_width"], [], 1024),
        (["output_max_width"], [], 160),
    ]


def test_all_nine_at_once_are_answered_by_name_and_a_bad_one_is_refused_before_it_is_sent(
    visit: Visit, results: Results
) -> None:
    """ENV-1, ENV-2, ENV-4."""

    def main() -> None:
        results.put(
            setting(
                title="all",
                output_animation=True,
                auto_scroll_bottom=False,
                http_pull_interval=1,
                input_panel_fixed=True,
                input_panel_min_height=100,
                input_panel_init_height=200,
                input_auto_focus=True,
                output_max_width="50%",
            )
        )
        with pytest.raises(ValueError, match=r"^set_env\(\): input_panel_min_height is 75; it takes an int of pixels"):
            set_env(title="never", input_panel_min_height=75)
        results.put(eval_js("document.title"))

    visit(main)
    applied = [
        "auto_scroll_bottom",
        "input_auto_focus",
        "input_panel_fixed",
        "input_panel_init_height",
        "input_panel_min_height",
        "output_animation",
        "output_max_width",
        "title",
    ]
    assert results.get(timeout=PATIENCE) == (applied, ["http_pull_interval"])
    assert results.get(timeout=PATIENCE) == "all"
