"""DL-3, SEC-5: under which name a file is saved."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import download
from pagewire_conformance.peer.client_under_test import SavedFile
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

AT_ONCE = 6
"""Names a case; a browser stops saving after some more."""

NAMES = {
    "plain": ("report.csv", "report.csv"),
    "unicode": ("Übersicht ± 日本.csv", "Übersicht ± 日本.csv"),
    "path": ("a/b/path.csv", "path.csv"),
    "windows_path": ("C:\\dir\\windows.csv", "windows.csv"),
    "climbing": ("../../etc/passwd", "passwd"),
    "only_a_path": ("dir/", "download"),
    "dots": ("..", "download"),
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
    "dots_and_spaces": (" . . ", "download"),
    "several_dots": ("a..b.tar.gz", "a..b.tar.gz"),
}


@requirement("DL-3", "SEC-5")
@pytest.mark.parametrize("group", range(0, len(NAMES), AT_ONCE))
def test_file_is_saved_under_its_safe_name(peer: Peer, group: int) -> None:
    """DL-3: the name is made safe in the steps of section 5.4.1, in their order."""
    for number, (case, (name, safe)) in enumerate(list(NAMES.items())[group : group + AT_ONCE], 1):
        with peer.part(case):
            peer.let_it_download()
            assert peer.result(download(b"%d" % number, name)) == {"bytes": len(str(number))}
            saved = {file.sha256: file.name for file in peer.seen.files(number)}
            assert saved.get(SavedFile.of(name, b"%d" % number).sha256) == safe


@requirement("DL-3")
def test_white_space_of_other_kinds_stays(peer: Peer) -> None:
    """DL-3: only U+0020 is removed around a name: a no-break space is a character like any other."""
    peer.result(download(b"abc", "\u00a0a.txt"))
    (file,) = peer.seen.files(1)
    if file.name == "_a.txt":
        raise peer.not_offered("the browser has replaced the no-break space")
    assert file.name == "\u00a0a.txt"
