"""The registry of codes is what SPEC.md says in its two tables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from pagewire_protocol.codes import (
    BYE_RULES,
    ERROR_MEANINGS,
    NOTICE_MEANINGS,
    SESSION_ENDING_CLOSE_CODES,
    ByeCode,
    CloseCode,
    ErrorCode,
    NoticeCode,
)
from pagewire_protocol.requirements import read_requirements

PROTOCOL: Final = Path(__file__).parents[1]
SPEC: Final = (PROTOCOL / "SPEC.md").read_text(encoding="utf-8")


def _table(heading: str) -> list[list[str]]:
    """Return the rows of the table of SPEC.md whose head is `heading`, without the marks of code."""
    after = SPEC.split(f"\n{heading}\n")
    assert len(after) == 2, f"the table {heading!r} stands in SPEC.md {len(after) - 1} times"
    rows = after[1].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


def test_bye_codes_are_those_of_the_specification() -> None:
    """Code, close code, retry, sender and meaning of every row of section 12, in its order."""
    rows = [[code.value, str(rule.close), rule.retry, rule.sent_by, rule.means] for code, rule in BYE_RULES.items()]
    in_spec = _table("| code | close | retry | sent by | means |")
    assert [row[:4] for row in rows] == [row[:4] for row in in_spec]
    assert [row[0] for row, said in zip(rows, in_spec, strict=True) if not said[4].startswith(row[4])] == []


def test_error_codes_are_those_of_the_specification() -> None:
    """Code and meaning of every row of section 6, in its order."""
    rows = [[code.value, meaning.replace("`", "")] for code, meaning in ERROR_MEANINGS.items()]
    assert rows == _table("| code of `error` | means |")


def test_notice_codes_are_those_of_the_specification() -> None:
    """Code and meaning of every row of section 12.1, in its order."""
    rows = [[code.value, meaning.replace("`", "")] for code, meaning in NOTICE_MEANINGS.items()]
    assert rows == _table("| code of `notice` | means |")


def test_every_code_has_its_row() -> None:
    """No code is without a rule."""
    assert list(BYE_RULES) == list(ByeCode)
    assert list(ERROR_MEANINGS) == list(ErrorCode)
    assert list(NOTICE_MEANINGS) == list(NoticeCode)


def test_published_registry_is_the_same() -> None:
    """codes.json, which clients in other languages read, holds the same rows."""
    published = json.loads((PROTOCOL / "schemas" / "1.0" / "codes.json").read_text(encoding="utf-8"))
    assert list(published["bye"]) == list(ByeCode)
    assert published["error"] == {code.value: {"means": meaning} for code, meaning in ERROR_MEANINGS.items()}
    assert published["notice"] == {code.value: {"means": meaning} for code, meaning in NOTICE_MEANINGS.items()}
    assert published["bye"]["hello_timeout"] == {
        "close": 4408,
        "retry": "resume",
        "sent_by": "server",
        "means": "no hello came in time",
    }


def test_closes_that_end_a_session_are_those_of_the_specification() -> None:
    """END-9 names them."""
    (text,) = (requirement.text for requirement in read_requirements(SPEC) if requirement.id == "END-9")
    assert frozenset(map(int, re.findall(r"\d{4}", text))) == SESSION_ENDING_CLOSE_CODES


@pytest.mark.parametrize("code", ["4000", "1001"])
def test_other_close_codes_stand_in_the_specification(code: str) -> None:
    """Close codes that go without a bye are explained there."""
    assert int(code) in set(CloseCode)
    assert re.search(rf"\b{code}\b", SPEC)


def test_browsers_can_send_the_close_codes_of_clients() -> None:
    """Browsers close with 1000 and 3000 to 4999 only."""
    sent_by_clients = [rule.close for rule in BYE_RULES.values() if rule.sent_by != "server"]
    assert [close for close in sent_by_clients if close != 1000 and not 3000 <= close <= 4999] == []
