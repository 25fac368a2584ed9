"""The suite catches every defect, by a case of the requirement that it breaks, and for that reason."""

from __future__ import annotations

from collections import Counter

import pytest
from broken_clients.client import Client
from broken_clients.defects import DEFECTS
from broken_clients.harness import all_cases
from broken_clients.matrix import MATRIX, catching_cases, recorded

from pagewire_conformance.requirements import specification

RECORDED = recorded(MATRIX.read_text())
TITLES = {(defect.__doc__ or "").strip(): (requirement, defect) for requirement, defect in DEFECTS}


def test_each_requirement_on_a_client_has_a_defect() -> None:
    """Nothing in SPEC.md that binds a client is unproven."""
    assert set(specification()) == {requirement for requirement, _ in DEFECTS}


def test_there_are_at_least_a_hundred_defects_each_with_its_own_description() -> None:
    """Two that are described in the same words would be one row of the matrix."""
    assert len(DEFECTS) >= 100
    assert Counter((defect.__doc__ or "").strip() for _, defect in DEFECTS).most_common(1)[0][1] == 1


def test_the_matrix_has_just_the_defects_that_there_are() -> None:
    """`make generate` writes KILLS.md anew."""
    assert {title: requirement for title, (requirement, _) in RECORDED.items()} == {
        title: requirement for title, (requirement, _) in TITLES.items()
    }


def test_every_case_catches_a_defect() -> None:
    """A case that catches nothing may be one that cannot fail."""
    catching = {name for _, names in RECORDED.values() for name in names}
    assert sorted({case.name for case in all_cases()} - catching) == []


@pytest.mark.timeout(240)
@pytest.mark.parametrize("title", TITLES, ids=[defect.__name__ for _, defect in TITLES.values()])
def test_defect_is_caught_as_the_matrix_says(title: str) -> None:
    """Each case that KILLS.md names fails with the defect, for the sake of the requirement."""
    requirement, defect = TITLES[title]
    names = set(RECORDED[title][1])
    caught = catching_cases(defect, requirement, names)
    # Some defects hurry, and look slower than they are on a machine that is busy: once more.
    caught |= catching_cases(defect, requirement, names - caught)
    assert names
    assert caught == names


def test_a_correct_client_is_not_among_the_defects() -> None:
    """Every defect changes something."""
    assert all(defect is not Client for _, defect in DEFECTS)
