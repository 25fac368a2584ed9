"""The line between server and Node client fails at random points, in all ways: nothing is lost, nothing comes twice."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
from faults import Fault, Kind
from faulty_proxy import faulty_proxy
from live_server import PATIENCE, Serve
from node_client import node_client
from results import Results
from soak import APPS, BAD_LINE, BAD_LINE_PATIENCE, FaultPlan, take_record

from pagewire_server.session import SessionClosed, eval_js


@pytest.mark.timeout(6000)  # 2,000 faults take minutes; what hangs is noticed after BAD_LINE_PATIENCE
@pytest.mark.parametrize("style", APPS)
def test_nothing_is_lost_or_doubled_on_a_bad_line(
    serve: Serve, tmp_path: Path, fault_plan: FaultPlan, style: str
) -> None:
    """Commands, values, events and files, while connections break, stall and go silent."""
    results = Results(BAD_LINE_PATIENCE)

    def is_over() -> bool:
        return proxy.total >= fault_plan.limit

    live = serve(APPS[style](is_over, fault_plan.seed, results, "ignored"), **BAD_LINE)
    with (
        faulty_proxy(live.server.port, fault_plan.faults(), fault_plan.limit) as proxy,
        fault_plan.told(proxy),
        node_client(proxy.url(), tmp_path) as client,
    ):
        record = take_record(results)
        client.terminate()
    record.check()
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()} == record.files


def test_hello_that_comes_late_does_not_disturb_the_newer_connection(
    serve: Serve, tmp_path: Path, results: Results
) -> None:
    """The server has answered the hello of a newer connection when that of an older one arrives."""
    has_come = threading.Event()

    def app() -> None:
        try:
            results.put(eval_js("1"))
            assert has_come.wait(PATIENCE)
            results.put(eval_js("2"))
        except SessionClosed as closed:
            results.put(closed)

    live = serve(app)
    late = [Fault(Kind.LATE_HELLO)]
    with faulty_proxy(live.server.port, late) as proxy, node_client(proxy.url(), tmp_path) as client:
        assert results.next() == 1
        live.until(lambda: proxy.open_connections <= 1)
        has_come.set()
        assert results.next() == 2
        assert client.wait(PATIENCE) == 0
    assert proxy.connections == 2
