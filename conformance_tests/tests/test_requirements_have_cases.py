"""SPEC.md and the cases hold each other: no requirement without a case, no case without a requirement."""

from __future__ import annotations

import re

from broken_clients.harness import all_cases
from reviewed import digest, reviewed

from pagewire_conformance.requirements import is_should, specification


def test_each_requirement_on_a_client_has_a_case() -> None:
    """A MUST, or a SHOULD, that nothing checks is a hole."""
    named = {id_ for case in all_cases() for id_ in case.requirements}
    assert [id_ for id_ in specification() if id_ not in named] == []


def test_cases_name_requirements_that_there_are() -> None:
    """A case that names none, or an unknown one, counts for nothing."""
    wrong = [
        case.id for case in all_cases() if not case.requirements or not set(case.requirements) <= set(specification())
    ]
    assert wrong == []


def test_a_case_is_about_musts_or_about_shoulds() -> None:
    """Else it would not be clear whether its failure is a failure or a warning."""
    mixed = [case.name for case in all_cases() if len({is_should((id_,)) for id_ in case.requirements}) > 1]
    assert mixed == []


def test_a_case_says_in_its_docstring_what_must_happen() -> None:
    """The docstring is the case's title in the report; it begins with the requirement that the case is about."""
    for case in all_cases():
        title = (case.function.__doc__ or "").strip()
        match = re.match(r"([A-Z]+-[0-9]+)(, [A-Z]+-[0-9]+)*: \S", title)
        assert match, f"{case.name}: {title!r}"
        assert match[1] in specification(), case.name


def test_no_requirement_has_changed_since_its_cases_were_looked_at() -> None:
    """After a look at them: `python conformance_tests/tests/reviewed.py ID`."""
    assert reviewed() == {id_: digest(id_) for id_ in specification()}
