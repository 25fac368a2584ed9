"""The correct client passes: with a page and without, with streams and without."""

from __future__ import annotations

import re

import pytest
from broken_clients.client import Client
from broken_clients.defects.bases import Pageless
from broken_clients.harness import Case, all_cases, run_case

from pagewire_conformance.execution import Outcome
from pagewire_conformance.verdicts import Verdict

IS_LATE = re.compile(r" within | came after | s long| is over its limit ")
"""In the message of a case that judges time."""


def outcome_of(case: Case, client: type[Client]) -> Outcome:
    """Run a case; a client that was late is given the time that a machine at load 10 needs."""
    outcome = run_case(case, client)
    return run_case(case, client, factor=5) if IS_LATE.search(outcome.message) else outcome


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
def test_correct_clients_pass(case: Case) -> None:
    """Each case is passed by one of the two; the other passes it too, or is not one that the case is about."""
    outcomes = [outcome_of(case, client) for client in (Client, Pageless)]
    messages = [outcome.message for outcome in outcomes]
    assert Verdict.PASSED in {outcome.verdict for outcome in outcomes}, messages
    allowed = {Verdict.PASSED, Verdict.NOT_OFFERED, Verdict.UNVERIFIED}
    assert {outcome.verdict for outcome in outcomes} <= allowed, messages
