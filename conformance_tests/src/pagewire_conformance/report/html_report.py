"""The report for people: one HTML file, which asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache, cmp_to_key
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from pagewire_conformance.report.run_report import CONFORMANT, NOT_CONFORMANT, RUN_FAILED, worst
from pagewire_conformance.verdicts import Verdict

Data = dict[str, Any]

_TEMPLATE: Final = "report.html.jinja"
_OPEN: Final = {Verdict.ERROR.value, Verdict.FAILED.value}
"""The verdicts whose cases are open when the page is opened."""

_RUN_STYLES: Final = {CONFORMANT: Verdict.PASSED, NOT_CONFORMANT: Verdict.FAILED, RUN_FAILED: Verdict.ERROR}
_EXCERPT: Final = 200
_MINUTE: Final = 60
_MARKED: Final = re.compile(r"`([^`]+)`|\*(\w[^*`]*)\*")


def render_html(report_data: Data) -> str:
    """Return what `RunReport.as_json` returned as a page; it can be encoded in UTF-8 whatever the client sent."""
    page = _environment().get_template(_TEMPLATE).render(_view(report_data))
    return page.encode("utf-8", "backslashreplace").decode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_made_visible,
    )
    environment.filters |= {
        "slug": _slug,
        "markdown": _inline_markdown,
        "moment": _moment,
        "duration": _duration,
        "pretty": pretty_frame,
        "csp_hash": _csp_hash,
    }
    return environment


# --- What the template is given ---


def _in_order(one: Verdict, other: Verdict) -> int:
    return 0 if one is other else (-1 if worst((one, other)) is one else 1)


_WORST_FIRST: Final = [verdict.value for verdict in sorted(Verdict, key=cmp_to_key(_in_order))]


def _view(report: Data) -> Data:
    cases = [{**case, "anchor": f"c{number}"} for number, case in enumerate(report["cases"], 1)]
    requirements = [_requirement(each, cases) for each in sorted(report["requirements"], key=_rank)]
    quiet = {Verdict.PASSED.value, Verdict.NOT_OFFERED.value}
    return {
        "report": report,
        "run_style": _RUN_STYLES[report["verdict"]].value,
        "counts": _sorted_counts(report["counts"]),
        "profiles": [{**each, "counts": _sorted_counts(each["counts"])} for each in report["profiles"]],
        "loud_requirements": [each for each in requirements if each["verdict"] not in quiet],
        "quiet_requirements": [each for each in requirements if each["verdict"] in quiet],
        "requirement_counts": _count(each["verdict"] for each in requirements),
        "topics": _topics(cases),
        "known_ids": {each["id"] for each in requirements},
        "opened": _OPEN,
    }


def _rank(judged: Data) -> int:
    return _WORST_FIRST.index(judged["verdict"])


def _sorted_counts(counts: dict[str, int]) -> dict[str, int]:
    return {verdict: counts[verdict] for verdict in _WORST_FIRST if verdict in counts}


def _count(verdicts: Iterable[str]) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for verdict in verdicts:
        counts[verdict] += 1
    return _sorted_counts(counts)


def _requirement(requirement: Data, cases: list[Data]) -> Data:
    own = set(requirement["cases"])
    id_ = requirement["id"]
    return {
        **requirement,
        "own": sorted((case for case in cases if case["case"] in own), key=_rank),
        "others": [case for case in cases if id_ in case["broken"] and case["case"] not in own],
    }


def _topics(cases: list[Data]) -> list[Data]:
    by_name: defaultdict[str, list[Data]] = defaultdict(list)
    for case in cases:
        by_name[case["case"].split("/")[0]].append(_case(case))
    topics: list[Data] = [
        {"name": name, "counts": _count(case["verdict"] for case in found), "cases": sorted(found, key=_rank)}
        for name, found in sorted(by_name.items())
    ]
    return sorted(topics, key=lambda topic: _rank(topic["cases"][0]))


def _case(case: Data) -> Data:
    # The suite reads a client's frame when it needs it, which may be long after it came.
    entries = sorted(case["transcript"], key=lambda entry: float(entry["at_ms"]))
    connections = [(number, list(found)) for number, found in groupby(entries, key=lambda entry: entry["connection"])]
    first_line = case["message"].strip().partition("\n")[0]
    return {**case, "connections": connections, "excerpt": first_line[:_EXCERPT]}


# --- How values are written ---


def _slug(verdict: str) -> str:
    return verdict.replace(" ", "-")


def _inline_markdown(text: str) -> Markup:
    """Return text with Markdown's code and emphasis, all that SPEC.md uses in a requirement, as markup."""
    return Markup(_MARKED.sub(_marked, str(escape(_made_visible(text)))))  # noqa: S704 - was escaped


def _marked(found: re.Match[str]) -> str:
    return f"<code>{found[1]}</code>" if found[1] is not None else f"<em>{found[2]}</em>"


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment:%d %B %Y, %H:%M:%S} {moment.tzname() or ''}".strip().lstrip("0")


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.3g} s"
    return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"


def _csp_hash(source: str) -> str:
    """Return how a Content-Security-Policy names a script or style that stands in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _visible_form(code: int) -> str:
    return chr(0x2400 + code) if code < ord(" ") else f"⟨U+{code:04X}⟩"


_INVISIBLE: Final = {
    code: _visible_form(code)
    for code in (*range(0x100), *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
    if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zl", "Zp"} and chr(code) not in "\n\t\u200d"
}
"""Controls, and what turns the direction of text or has no width. The joiner stays: emoji are made with it."""


def _made_visible(value: object) -> object:
    """Return text with signs for what cannot be seen; anything else as it is."""
    return value.translate(_INVISIBLE) if isinstance(value, str) else value


# --- Frames ---

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')
_WIDTH: Final = 58
_INDENT: Final = "\t"
"""Shown two columns wide; a run has thousands of frames."""

_DEEPEST: Final = 16
"""Levels that are indented; below, lines only break."""


def pretty_frame(text: str) -> str:
    """Return a frame's JSON on several lines, each token as it came; what is no JSON, as it stands.

    Doubled keys, `1.0` and escapes are what a case may be about, so that nothing is parsed and written anew.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return "".join(_laid_out(_TOKEN.findall(text)))


def _laid_out(tokens: list[str]) -> Iterator[str]:
    ends, flat = _groups(tokens)
    widths = list(accumulate((len(_spaced(part)) for part in tokens), initial=0))
    at = depth = 0
    while at < len(tokens):
        part, end = tokens[at], ends.get(at)
        if end is not None and (at in flat or widths[end + 1] - widths[at] <= _WIDTH - 2 * depth):
            yield "".join(map(_spaced, tokens[at : end + 1]))
            at = end + 1
            continue
        depth += (end is not None) - (part in "]}")
        break_ = f"\n{_INDENT * min(depth, _DEEPEST)}"
        if part in "]}":
            yield f"{break_}{part}"
        else:
            yield f"{part}{break_}" if part in "[{," else _spaced(part)
        at += 1


def _spaced(part: str) -> str:
    return f"{part} " if part in ",:" else part


def _groups(tokens: list[str]) -> tuple[dict[int, int], set[int]]:
    """Return where each bracket is closed, and which arrays hold nothing with brackets: those stay in one line."""
    ends: dict[int, int] = {}
    flat: set[int] = set()
    stack: list[int] = []
    last = -1
    for at, part in enumerate(tokens):
        if part in "[{":
            stack.append(at)
            last = at
        elif part in "]}":
            begin = stack.pop()
            ends[begin] = at
            if begin == last and tokens[begin] == "[":
                flat.add(begin)
    return ends, flat
