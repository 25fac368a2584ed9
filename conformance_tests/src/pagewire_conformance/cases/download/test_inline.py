"""DL-1, DL-2, DL-4 to DL-7, DL-9: files whose content is in the command."""

from __future__ import annotations

from pagewire_conformance.messages import download, download_of, download_stream
from pagewire_conformance.peer.client_under_test import SavedFile
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

CONTENTS = {
    "empty": b"",
    "one_byte": b"\x00",
    "every_byte": bytes(range(256)),
    "text": "é ± 🧪\r\n".encode(),
    "64_kib": bytes(range(256)) * 256,
}


@requirement("DL-1", "DL-2")
def test_content_is_saved_byte_for_byte(peer: Peer) -> None:
    """DL-1: the file is saved as it is; DL-2: the result is the number of its bytes."""
    for number, (name, content) in enumerate(CONTENTS.items(), 1):
        with peer.part(name):
            peer.let_it_download()
            assert peer.result(download(content, f"{name}.bin")) == {"bytes": len(content)}
            assert SavedFile.of(f"{name}.bin", content) in peer.seen.files(number)


@requirement("DL-1")
def test_size_may_be_unknown(peer: Peer) -> None:
    """DL-1: where `size` is null, any length is good."""
    assert peer.result(download(b"abc", "data.bin", size=None)) == {"bytes": 3}
    assert peer.seen.files(1)[-1] == SavedFile.of("data.bin", b"abc")


@requirement("DL-4")
def test_invalid_size(peer: Peer) -> None:
    """DL-4: content whose length is not `size` is answered by invalid_command."""
    for size in [0, 2, 4, 2**53 - 1]:
        with peer.part(size):
            peer.error(download(b"abc", size=size), "invalid_command")
            peer.expect_nothing_more()


@requirement("DL-4", "DL-10")
def test_nothing_is_saved_of_a_file_of_another_size(peer: Peer) -> None:
    """DL-4: nothing is saved then, and the next file is."""
    peer.error(download(b"abc", "wrong.bin", size=4), "invalid_command")
    peer.result(download(b"abc", "right.bin"))
    assert [file.name for file in peer.seen.files(1)] == ["right.bin"]


@requirement("DL-5")
def test_invalid_base64(peer: Peer) -> None:
    """DL-5: what is not base64 with its padding is answered by invalid_command."""
    for text in ["QQ", "QQ=", "Q===", "QUJD\n", " QUJD", "QUJ-", "QUJ_", "QU=D", "QUJD=", "====", "QUJDé", "QUJDQQ"]:
        with peer.part(text):
            peer.error(download_of({"kind": "inline", "base64": text}), "invalid_command")


@requirement("DL-5")
def test_base64_is_read(peer: Peer) -> None:
    """DL-5: base64 of RFC 4648 section 4; the spare bits before the padding may have any value."""
    texts = {"QQ==": b"A", "QR==": b"A", "QUI=": b"AB", "+/+/": b"\xfb\xff\xbf"}
    for number, (text, content) in enumerate(texts.items(), 1):
        with peer.part(text):
            peer.let_it_download()
            name = f"data{number}.bin"
            assert peer.result(download_of({"kind": "inline", "base64": text}, name)) == {"bytes": len(content)}
            assert SavedFile.of(name, content) in peer.seen.files(number)


@requirement("DL-6")
def test_what_cannot_be_saved_is_told(peer: Peer) -> None:
    """DL-6: a name that no file system takes is saved under another one, or answered by save_failed."""
    reply = peer.ask(download(b"abc", "x" * 1000))
    if reply["type"] == "error":
        peer.as_error(reply, "save_failed")
    else:
        assert peer.seen.files(1)[-1].sha256 == SavedFile.of("", b"abc").sha256


@requirement("DL-7")
def test_stream_for_a_client_without_streams_is_unsupported(peer: Peer) -> None:
    """DL-7: a client that does not announce `streams` says so when it is given one."""
    if "streams" in peer.hello["capabilities"]:
        raise peer.not_offered("the client announces streams")
    peer.error(download_stream(3), "unsupported")
    assert peer.value("1 + 1") == 2


@requirement("DL-9")
def test_page_shows_a_link_to_the_file(peer: Peer) -> None:
    """DL-9: a page shows a link to the file as well."""
    peer.needs_page()
    peer.result(download(b"abc", "linked.bin"))
    assert any("linked.bin" in text for text in peer.seen.links())
