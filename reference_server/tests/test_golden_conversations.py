"""What the server writes in recorded conversations is what it wrote when they were recorded, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import golden_commands
import golden_delivery
import golden_downloads
import golden_ends
import golden_handshake
import golden_http
import golden_messages
import pytest
from golden_stage import CONVERSATIONS, play

_SCRIPTS: Final = (
    golden_commands,
    golden_delivery,
    golden_downloads,
    golden_ends,
    golden_handshake,
    golden_http,
    golden_messages,
)
"""Each registers its conversations where it is imported."""
_RECORDINGS: Final = Path(__file__).parent / "golden" / "recordings"


@pytest.mark.parametrize("name", sorted(CONVERSATIONS))
def test_server_writes_what_was_recorded(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """`--write-golden` records anew instead: look at the difference before it is committed."""
    lines = play(CONVERSATIONS[name], tmp_path)
    recording = _RECORDINGS / f"{name}.jsonl"
    if pytestconfig.getoption("write_golden"):
        recording.parent.mkdir(parents=True, exist_ok=True)
        recording.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    recorded = recording.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(line) for line in recorded]


def test_every_recording_has_its_script() -> None:
    """None is left over."""
    names = {file.relative_to(_RECORDINGS).with_suffix("").as_posix() for file in _RECORDINGS.rglob("*.jsonl")}
    assert names == set(CONVERSATIONS)
