"""The correct client passes: with a page and without, with streams and without."""

from __future__ import annotations

import pytest
from broken_clients.client import Client
from broken_clients.defects.bases import Pageless
from broken_clients.harness import Case, all_cases, run_case

from pagewire_conformance.verdicts import Verdict


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
@pytest.mark.parametrize("client", [Client, Pageless])
def test_correct_client_passes(client: type[Client], case: Case) -> None:
    """Each case passes, or says that the client does not offer what it is about."""
    outcome = run_case(case, client)
    assert outcome.verdict in {Verdict.PASSED, Verdict.NOT_OFFERED, Verdict.UNVERIFIED}, outcome.message


def test_every_case_is_passed_by_one_of_the_two() -> None:
    """No case is out of reach for both."""
    unseen = [
        case.id
        for case in all_cases()
        if all(run_case(case, client).verdict is not Verdict.PASSED for client in (Client, Pageless))
    ]
    assert unseen == []
