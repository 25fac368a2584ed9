"""A flat SVG badge that says what a run has shown."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from pagewire_conformance.report.run_report import CONFORMANT, NOT_CONFORMANT
from pagewire_conformance.verdicts import Verdict

_GREEN: Final = "#2b7a3d"
_RED: Final = "#b3352b"
_GREY: Final = "#6b6f76"
_COLOURS: Final = {CONFORMANT: _GREEN, NOT_CONFORMANT: _RED}
"""Of the badge's right half; white text is legible on each (4.5:1)."""

_SHOWN: Final = {Verdict.PASSED.value, Verdict.WARNING.value}
_PADDING: Final = 6

_WIDTHS: Final = {
    letter: width
    for letters, width in {
        "il": 3.0,
        "j f": 3.85,
        ".,": 4.0,
        "t": 4.3,
        "r": 4.7,
        ":-": 5.0,
        "cszk": 5.8,
        "axvye": 6.55,
        "bdgpqou": 6.85,
        "0123456789hn": 6.97,
        "w": 9.0,
        "m": 10.7,
    }.items()
    for letter in letters
}
"""Of the letters of Verdana at 11 px."""

_OTHER_WIDTH: Final = 7.5

_BADGE: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}">
<title>{title}</title>
<clipPath id="round"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#round)">
<rect width="{left}" height="20" fill="#3f444b"/>
<rect x="{left}" width="{right}" height="20" fill="{colour}"/>
</g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">
<text x="{left_middle}" y="14" textLength="{left_length}">{label}</text>
<text x="{right_middle}" y="14" textLength="{right_length}">{words}</text>
</g>
</svg>
"""


def render_badge(report_data: dict[str, Any]) -> str:
    """Return the badge of what `RunReport.as_json` returned, as SVG."""
    label = f"pagewire {report_data['protocol']}"
    words = _words(report_data)
    left, right = _text_width(label), _text_width(words)
    middle = left + 2 * _PADDING
    return _BADGE.format(
        width=middle + right + 2 * _PADDING,
        title=escape(f"{label} | {words}"),
        label=escape(label),
        words=escape(words),
        colour=_COLOURS.get(report_data["verdict"], _GREY),
        left=middle,
        left_length=left,
        left_middle=middle / 2,
        right=right + 2 * _PADDING,
        right_length=right,
        right_middle=middle + _PADDING + right / 2,
    )


def _words(report_data: dict[str, Any]) -> str:
    verdict = str(report_data["verdict"])
    shown = [profile["name"] for profile in report_data["profiles"] if profile["verdict"] in _SHOWN]
    return f"{verdict}: {', '.join(shown)}" if verdict == CONFORMANT and shown else verdict


def _text_width(text: str) -> int:
    return round(sum(_WIDTHS.get(letter, _OTHER_WIDTH) for letter in text))
