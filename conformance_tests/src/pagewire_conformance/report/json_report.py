"""The report for programs: report.json, and the schema that says what stands in it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

_SCHEMA: Final = Path(__file__).with_name("report.schema.json")


@cache
def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what `RunReport.as_json` returns; it is shared, not to be changed."""
    return cast("dict[str, Any]", json.loads(_SCHEMA.read_text(encoding="utf-8")))


def write_json(report_data: dict[str, Any], path: Path) -> None:
    """Write what `RunReport.as_json` returned, in UTF-8; a lone surrogate becomes its escape."""
    text = json.dumps(report_data, ensure_ascii=False, allow_nan=False, indent=1)
    # Where a lone surrogate stands, inside a string, the handler's `\udXXX` is its JSON escape too.
    path.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")
