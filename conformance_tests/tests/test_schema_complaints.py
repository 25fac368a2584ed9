"""What the suite says of a message that its strict schema refuses."""

from __future__ import annotations

from typing import Any

import pytest

from pagewire_conformance.peer.schemas import check_schema
from pagewire_conformance.verdicts import Broken

THROWN = {"name": "TypeError", "message": "no"}


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"code": "exception", "message": ""}, "params: 'exception' is a required property"),
        ({"code": "exception", "message": "", "exception": {"name": 1, "message": ""}}, "params.exception.name: 1 is"),
        ({"code": "cancelled", "message": "", "exception": THROWN}, "params: Additional properties are not allowed"),
        ({"code": "cancelled", "message": 1}, "params.message: 1 is not of type 'string'"),
        ({"code": "vendor:code", "message": 1}, "params.message: 1 is not of type 'string'"),
        ({"code": "lost", "message": ""}, "params.code: 'lost' is not one of"),
        ({"message": ""}, "params: 'code' is a required property"),
    ],
)
def test_complaint_about_an_error_is_about_the_shape_that_its_code_has(params: dict[str, Any], complaint: str) -> None:
    """REPLY-4: the schema has one shape for `exception` and one for all other codes."""
    with pytest.raises(Broken) as caught:
        check_schema({"type": "error", "seq": 1, "id": 1, "params": params})
    assert str(caught.value).startswith(f"error: {complaint}")
    assert caught.value.requirement == "REPLY-4"
