"""Writes the report's files."""

from __future__ import annotations

from pagewire_conformance.report.badge import render_badge
from pagewire_conformance.report.html_report import render_html
from pagewire_conformance.report.json_report import write_json
from pagewire_conformance.report.run_report import RunReport


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
