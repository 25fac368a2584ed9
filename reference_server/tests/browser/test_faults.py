"""The line between server and page fails at random points, in all ways: nothing is lost, nothing comes twice."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from faulty_proxy import faulty_proxy
from live_server import Serve
from playwright.sync_api import BrowserContext, Download
from results import Results
from soak import APPS, BAD_LINE, BAD_LINE_PATIENCE, FaultPlan, take_record


@pytest.mark.timeout(6000)  # 2,000 faults take minutes; what hangs is noticed after BAD_LINE_PATIENCE
@pytest.mark.parametrize("style", APPS)
def test_nothing_is_lost_or_doubled_on_a_bad_line(
    serve: Serve, context: BrowserContext, fault_plan: FaultPlan, style: str
) -> None:
    """Commands, values, events and files, while connections break, stall and go silent."""
    results = Results(BAD_LINE_PATIENCE)
    saved: list[Download] = []

    def is_over() -> bool:
        return proxy.total >= fault_plan.limit

    live = serve(APPS[style](is_over, fault_plan.seed, results, "applied"), **BAD_LINE)
    page = context.new_page()
    page.on("download", lambda download: saved.append(download))  # noqa: PLW0108 - the driver takes no built-in
    with faulty_proxy(live.server.port, fault_plan.faults(), fault_plan.limit) as proxy, fault_plan.told(proxy):
        page.goto(proxy.url("http", "/"))
        record = take_record(results)
        while len(saved) < len(record.files):
            page.wait_for_event("download", timeout=BAD_LINE_PATIENCE * 1000)
    record.check()
    digests = [(each.suggested_filename, hashlib.sha256(Path(each.path()).read_bytes()).hexdigest()) for each in saved]
    assert sorted(digests) == sorted(record.files.items())
