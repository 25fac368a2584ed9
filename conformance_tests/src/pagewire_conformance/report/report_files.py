"""Writes the report's files; report.json is for programs, and has a schema that says what it contains."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from pagewire_conformance.report.badge import render_badge
from pagewire_conformance.report.html_report import render_html
from pagewire_conformance.report.run_report import RunReport

_SCHEMA: Final = Path(__file__).with_name("report.schema.json")


def write_report(report: RunReport) -> list[str]:
    """Write report.html, report.json and badge.svg beside junit.xml; return what each file is, to be told."""
    folder = report.options.report_folder
    folder.mkdir(parents=True, exist_ok=True)
    data = report.as_json()
    (folder / "report.html").write_text(render_html(data), encoding="utf-8", errors="replace")
    write_json(data, folder / "report.json")
    (folder / "badge.svg").write_text(render_badge(data), encoding="utf-8")
    names = ("report.html", "report.json", "junit.xml", "badge.svg")
    return [str(folder / name) for name in names if (folder / name).is_file()]


@cache
def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what `RunReport.as_json` returns; it is shared, not to be changed."""
    return cast("dict[str, Any]", json.loads(_SCHEMA.read_text(encoding="utf-8")))


def write_json(report_data: dict[str, Any], path: Path) -> None:
    """Write what `RunReport.as_json` returned, in UTF-8; a lone surrogate becomes its escape."""
    text = json.dumps(report_data, ensure_ascii=False, allow_nan=False, indent=1)
    # Where a lone surrogate stands, inside a string, the handler's `\udXXX` is its JSON escape too.
    path.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")
