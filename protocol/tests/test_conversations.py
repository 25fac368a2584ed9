"""The conversations of SPEC section 16 are ones that the strict schemas, the directions and the numbering allow."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pagewire_protocol.messages import KINDS, SENT_BY, Kind, Side

ROOT = Path(__file__).parents[1]
SPEC = (ROOT / "SPEC.md").read_text(encoding="utf-8")
BUNDLE = json.loads((ROOT / "schemas/1.0/pagewire.strict.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(BUNDLE)
SIDES = {"C": Side.CLIENT, "S": Side.SERVER}

CONVERSATIONS = {
    match["title"]: match["lines"].splitlines()
    for match in re.finditer(
        r"^### 16\.\d (?P<title>.+)$(?:(?!^###)[\s\S])*?```conversation\n(?P<lines>[\s\S]*?)```", SPEC, re.MULTILINE
    )
}


def messages(lines: list[str]) -> list[tuple[Side, dict[str, Any]]]:
    """Return who sends which message; lines in brackets are left out."""
    return [(SIDES[line[0]], json.loads(line[2:])) for line in lines if not line.startswith("[")]


def test_all_five_conversations_are_found() -> None:
    """So that none is skipped by a heading that changed."""
    assert list(CONVERSATIONS) == [
        "First connect",
        "An eval that throws",
        "A break and a resume",
        "A streamed download",
        "A version mismatch",
    ]


@pytest.mark.parametrize("title", CONVERSATIONS)
def test_every_message_is_strictly_valid_and_sent_by_the_side_that_may(title: str) -> None:
    """A reader may copy any line."""
    for side, message in messages(CONVERSATIONS[title]):
        VALIDATOR.validate(message)
        assert message["type"] in SENT_BY[side]


@pytest.mark.parametrize("title", CONVERSATIONS)
def test_session_messages_are_numbered_without_gaps(title: str) -> None:
    """Per direction; one that is sent again keeps its number and its content."""
    seen: dict[Side, dict[int, dict[str, Any]]] = {Side.CLIENT: {}, Side.SERVER: {}}
    for side, message in messages(CONVERSATIONS[title]):
        if KINDS[message["type"]] is not Kind.CONTROL:
            assert seen[side].setdefault(message["seq"], message) == message
    for numbered in seen.values():
        numbers = list(numbered)
        assert numbers == list(range(min(numbers, default=0), min(numbers, default=0) + len(numbers)))
