"""DL-3, SEC-5: under which name a file is saved."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import download
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

NAMES = {
    "plain": ("report.csv", "report.csv"),
    "unicode": ("Übersicht ± 日本.csv", "Übersicht ± 日本.csv"),
    "path": ("a/b/report.csv", "report.csv"),
    "windows_path": ("C:\\dir\\report.csv", "report.csv"),
    "climbing": ("../../etc/passwd", "passwd"),
    "only_a_path": ("dir/", "download"),
    "dots": ("..", "download"),
    "dots_and_spaces": (" . . ", "download"),
    "forbidden_characters": ('a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"),
    "control_characters": ("a\x00b\x1fc\x7fd\x9fe", "a_b_c_d_e"),
    "newline": ("a\r\nb.txt", "a__b.txt"),
    "direction_marks": ("in\u202egnp.exe", "in_gnp.exe"),
    "other_direction_marks": ("a\u200eb\u200fc\u061cd\u2066e\u2069f", "a_b_c_d_e_f"),
    "spaces_around": ("  a b.txt  ", "a b.txt"),
    "dots_at_the_end": ("a.txt. .", "a.txt"),
    "reserved": ("CON", "_CON"),
    "reserved_with_ending": ("nul.txt", "_nul.txt"),
    "reserved_with_two_endings": ("Com1.tar.gz", "_Com1.tar.gz"),
    "reserved_by_a_path": ("dir/lpt9", "_lpt9"),
    "nearly_reserved": ("console.txt", "console.txt"),
    "com0": ("COM0", "COM0"),
    "several_dots": ("a..b.tar.gz", "a..b.tar.gz"),
}


@requirement("DL-3", "SEC-5")
@pytest.mark.parametrize("case", NAMES)
def test_file_is_saved_under_its_safe_name(peer: Peer, case: str) -> None:
    """DL-3: the name is made safe in the steps of section 5.4.1, in their order."""
    name, safe = NAMES[case]
    assert peer.result(download(b"abc", name)) == {"bytes": 3}
    assert [file.name for file in peer.seen.files(1)] == [safe]


@requirement("DL-3")
def test_white_space_of_other_kinds_stays(peer: Peer) -> None:
    """DL-3: only U+0020 is removed around a name: a no-break space is a character like any other."""
    peer.result(download(b"abc", "\u00a0a.txt"))
    (file,) = peer.seen.files(1)
    if file.name == "_a.txt":
        raise peer.not_offered("the browser has replaced the no-break space")
    assert file.name == "\u00a0a.txt"
