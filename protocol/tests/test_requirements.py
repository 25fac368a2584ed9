"""The requirements of SPEC.md are read by machine, and what is out of form is refused."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Final

import pytest

from pagewire_protocol.requirements import Requirement, read_requirements

SPEC: Final = (Path(__file__).parents[1] / "SPEC.md").read_text(encoding="utf-8")


def test_requirements_of_the_specification_are_numbered_without_gaps() -> None:
    """Each prefix counts 1, 2, 3 from top to bottom, and stands in one place."""
    ids = [requirement.id.split("-") for requirement in read_requirements(SPEC)]
    runs = [(prefix, [int(number) for _, number in run]) for prefix, run in groupby(ids, key=lambda parts: parts[0])]
    assert [prefix for prefix, numbers in runs if numbers != list(range(1, len(numbers) + 1))] == []
    assert len({prefix for prefix, _ in runs}) == len(runs)


def test_requirements_of_the_specification_are_all_read() -> None:
    """Every list item that starts in bold is one of them."""
    assert SPEC.count("\n- **") == len(read_requirements(SPEC)) + 1  # the form itself is shown once
    assert all(requirement.text for requirement in read_requirements(SPEC))


def test_every_requirement_that_the_text_refers_to_exists() -> None:
    """No reference leads nowhere."""
    known = {requirement.id for requirement in read_requirements(SPEC)}
    prefixes = {id_.split("-")[0] for id_ in known}
    words = SPEC.replace("(", " ").replace(")", " ").replace(",", " ").replace(":", " ").replace(".", " ").split()
    mentioned = {word for word in words if word.split("-")[0] in prefixes and word.split("-")[-1].isdigit()}
    assert mentioned - known == set()
    assert mentioned


def test_text_goes_on_in_indented_lines() -> None:
    """A requirement ends where the indent ends, and its text is one line."""
    spec = "Before.\n\n- **A-1** (client, MUST) One\n  two\n  three.\n- **A-2** (both, SHOULD NOT) Four.\n\nNot this.\n"
    assert read_requirements(spec) == (
        Requirement(id="A-1", party="client", level="MUST", text="One two three."),
        Requirement(id="A-2", party="both", level="SHOULD NOT", text="Four."),
    )


@pytest.mark.parametrize("level", ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"])
def test_every_level_is_read(level: str) -> None:
    """The longer of two levels wins."""
    (requirement,) = read_requirements(f"- **A-1** (server, {level}) Text.")
    assert requirement.level == level


@pytest.mark.parametrize(
    "line",
    [
        "- **A1** (client, MUST) Text.",
        "- **a-1** (client, MUST) Text.",
        "- **A-0** (client, MUST) Text.",
        "- **A-01** (client, MUST) Text.",
        "- **A-1** (clients, MUST) Text.",
        "- **A-1** (client, SHALL) Text.",
        "- **A-1** (client,MUST) Text.",
        "- **A-1** client, MUST Text.",
        "- **A-1**  (client, MUST) Text.",
        "- **A-1** (client, MUST)",
        "  - **A-1** (client, MUST) Text.",
        "- **A-1 (client, MUST) Text.",
    ],
)
def test_line_out_of_form_is_refused(line: str) -> None:
    """What looks like a requirement and is none would otherwise be lost in silence."""
    with pytest.raises(ValueError, match="a requirement out of form"):
        read_requirements(f"# Title\n\n- **B-1** (both, MUST) Fine.\n{line}\n")


def test_id_that_stands_twice_is_refused() -> None:
    """An id names one requirement."""
    with pytest.raises(ValueError, match=r"^A-1 stands twice$"):
        read_requirements("- **A-1** (client, MUST) One.\n- **A-1** (server, MUST) Two.\n")
