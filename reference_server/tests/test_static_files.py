"""The page and the client's modules over HTTP: media types, caching, policy, and no path outside the folders."""

from __future__ import annotations

import html
import logging
import os
import time
from io import BufferedReader
from pathlib import Path

import pytest
from live_server import Serve
from plain_requests import get
from raw_http import raw_client

from pagewire_server.session import hold


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/?app=other", "text/html; charset=utf-8"),
        ("/pagewire/index.js", "text/javascript; charset=utf-8"),
        ("/pagewire/page/page.css", "text/css; charset=utf-8"),
    ],
)
def test_file_is_served_with_its_type_and_a_policy(serve: Serve, path: str, media_type: str) -> None:
    """Modules load only with a media type of JavaScript; no inline script runs."""
    response = get(serve(hold), path)
    policy = response.headers["Content-Security-Policy"]
    assert (response.status, response.headers["Content-Type"]) == (200, media_type)
    assert "script-src 'self' 'unsafe-eval'" in policy
    scripts = next(text for text in policy.split("; ") if text.startswith("script-src"))
    assert scripts == "script-src 'self' 'unsafe-eval'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-cache"


def test_file_that_did_not_change_is_not_sent_again(serve: Serve) -> None:
    """By its ETag."""
    live = serve(hold)
    tag = get(live, "/pagewire/index.js").headers["ETag"]
    again = get(live, "/pagewire/index.js", **{"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")


def test_file_that_changed_is_sent_again(serve: Serve, tmp_path: Path) -> None:
    """Its ETag is kept only as long as its time and size are the same."""
    file = tmp_path / "a.txt"
    file.write_text("old", encoding="utf-8")
    live = serve(hold, static=tmp_path)
    tag = get(live, "/a.txt").headers["ETag"]
    file.write_text("newer", encoding="utf-8")
    again = get(live, "/a.txt", **{"If-None-Match": tag})
    assert (again.status, again.body) == (200, b"newer")


def test_file_that_cannot_be_read_is_not_found(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no failure of the server: it may have been removed just now."""

    def fail(_file: Path, _mode: str) -> BufferedReader:
        raise PermissionError

    live = serve(hold)
    monkeypatch.setattr(Path, "open", fail)
    assert get(live, "/").status == 404


def test_strict_policy_has_a_nonce_of_its_own_for_each_page(serve: Serve, tmp_path: Path) -> None:
    """Only where the author says so, and nobody keeps it."""
    text = '<!doctype html><script nonce="{{nonce}}"></script><script>{{nonce}}</script>'
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    live = serve(hold, static=tmp_path, strict_csp=True)
    nonces = set()
    for _ in range(2):
        page = get(live, "/", **{"If-None-Match": "*"})
        body: bytes = page.body
        nonce = body.split(b'"')[1].decode()
        assert body.decode() == text.replace('"{{nonce}}"', f'"{nonce}"')
        assert page.headers["Content-Security-Policy"].endswith(f"; script-src 'nonce-{nonce}' 'self'")
        assert (page.headers["Cache-Control"], page.headers["ETag"]) == ("no-store", None)
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize("path", ["/", "/pagewire/index.js", "/nowhere"])
def test_strict_policy_lets_nothing_be_evaluated(serve: Serve, path: str) -> None:
    """Whatever is served, and whatever the server's own policy says of scripts; the rest of it stays."""
    own = "default-src 'none'; Script-Src 'unsafe-eval' 'unsafe-inline'; script-src-elem *; img-src data:"
    policy = get(serve(hold, strict_csp=True, content_security_policy=own), path).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; script-src ")
    assert "unsafe" not in policy
    assert "*" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/../pyproject.toml",
        "/pagewire/../../../pyproject.toml",
        "/pagewire/..%2f..%2f..%2fpyproject.toml",
        "/pagewire/%2e%2e/%2e%2e/%2e%2e/pyproject.toml",
        "//etc/passwd",
        "/pagewire//etc/passwd",
        "/pagewire/page\\page.js",
        "/pagewire/index.js%00.html",
        "/pagewire/page",
    ],
)
def test_path_outside_the_folders_is_not_found(serve: Serve, path: str) -> None:
    """Whatever way it is written."""
    response = get(serve(hold), path)
    is_index_of_folder = path == "/pagewire/page" and response.status == 200
    assert response.status == 404 or is_index_of_folder


def test_symbolic_link_out_of_the_folder_is_not_followed(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What it points to is outside, whether it is a file or a folder, or is not there."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "link.txt").symlink_to(secret)
    (folder / "link").symlink_to(tmp_path)
    (folder / "nothing").symlink_to(tmp_path / "nothing")
    live = serve(hold, static=folder)
    for path in ("/link.txt", "/link/secret.txt", "/link/", "/nothing"):
        assert get(live, path).status == 404
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_symbolic_link_to_itself_is_not_found(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nor is anything below it, nor a folder of such links; it is not an error of the server."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "there.txt").symlink_to("back.txt")
    (tmp_path / "back.txt").symlink_to("there.txt")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "index.html").symlink_to("index.html")
    live, looping = serve(hold, static=tmp_path), serve(hold, static=tmp_path / "loop")
    for path in ("/loop", "/loop/", "/loop/a.txt", "/there.txt", "/folder", "/folder/"):
        assert get(live, path).status == 404
    assert get(looping, "/a.txt").status == 404
    assert get(looping, "/").status == 200
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.parametrize(
    "path",
    [
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/.git/",
        "/.git",
        "//.git/config",
        "/folder/.htpasswd",
        "/folder/.hidden/a.txt",
        "/folder/.well-known/a.txt",
        "/.well-known/.env",
        "/.well-known/../.env",
        "/.well-known/%2e%2e/.env",
        "/pagewire/.env",
        "/...",
    ],
)
def test_dot_files_are_not_served(serve: Serve, tmp_path: Path, path: str) -> None:
    """Nor what is in dot folders, in whatever way it is written."""
    names = (
        ".env", ".git/config", ".git/index.html", "folder/.htpasswd", "folder/.hidden/a.txt",
        "folder/.well-known/a.txt", ".well-known/.env", "pagewire/.env", "...",
    )  # fmt: skip
    for name in names:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("secret", encoding="utf-8")
    assert get(serve(hold, static=tmp_path), path).status == 404


def test_well_known_files_are_served(serve: Serve, tmp_path: Path) -> None:
    """RFC 8615: certificates are issued by them; and a folder may be in a dot folder itself."""
    folder = tmp_path / ".local" / "site"
    (folder / ".well-known" / "acme-challenge").mkdir(parents=True)
    (folder / ".well-known" / "acme-challenge" / "token").write_text("proof", encoding="utf-8")
    response = get(serve(hold, static=folder), "/.well-known/acme-challenge/token")
    assert (response.status, response.body) == (200, b"proof")


def test_link_into_a_dot_folder_is_followed(serve: Serve, tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap: the name that is asked for has no dot."""
    (tmp_path / "..2026_01_31").mkdir()
    (tmp_path / "..2026_01_31" / "a.txt").write_text("a", encoding="utf-8")
    (tmp_path / "..data").symlink_to("..2026_01_31")
    (tmp_path / "a.txt").symlink_to("..data/a.txt")
    live = serve(hold, static=tmp_path)
    assert get(live, "/a.txt").body == b"a"
    assert get(live, "/..data/a.txt").status == 404


def test_own_folder_comes_before_the_servers_page(serve: Serve, tmp_path: Path) -> None:
    """The client's modules stay where they are."""
    (tmp_path / "index.html").write_text("<!doctype html>mine", encoding="utf-8")
    live = serve(hold, static=tmp_path, content_security_policy="default-src 'self'")
    page = get(live, "/")
    assert page.body == b"<!doctype html>mine"
    assert page.headers["Content-Security-Policy"] == "default-src 'self'"
    assert get(live, "/pagewire/index.js").status == 200


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/<b>&amp;", "404 Not Found", "There is no /<b>&amp; here."),
        ("/%3Cscript%3E%22", "404 Not Found", 'There is no /<script>" here.'),
        ("/{title}", "404 Not Found", "There is no /{title} here."),
        ("/" + "x" * 5000, "404 Not Found", f"There is no /{'x' * 199} here."),
        ("/ws", "426 Upgrade Required", "This is a WebSocket endpoint of Pagewire."),
    ],
)
def test_answer_without_a_file_is_a_page_for_browsers(serve: Serve, path: str, status: str, text: str) -> None:
    """With the headers of all files; nothing of the request is HTML in it. Other clients get the text alone."""
    live = serve(hold)
    page = get(live, path, Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    plain = get(live, path, Accept="*/*")
    assert plain.body.decode() == f"{text}\n"
    assert f"<title>{status}</title>\n<h1>{status}</h1>\n<p>{html.escape(text)}</p>" in page.body.decode()
    for response, media_type in ((page, "text/html; charset=utf-8"), (plain, "text/plain; charset=utf-8")):
        headers = response.headers
        assert f"{response.status} " == status[:4]
        assert (headers["Content-Type"], headers["Vary"]) == (media_type, "Accept")
        assert headers["Content-Security-Policy"] == get(live, "/").headers["Content-Security-Policy"]
        assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "same-origin")


def test_plain_request_for_the_socket_is_told_to_upgrade(serve: Serve) -> None:
    """426, as RFC 9110 has it."""
    response = get(serve(hold), "/ws")
    assert (response.status, response.headers["Upgrade"]) == (426, "websocket")


def test_other_path_is_no_socket(serve: Serve) -> None:
    """A WebSocket is only where it is said to be."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    assert get(serve(hold), "/elsewhere", **headers, **{"Sec-WebSocket-Key": "x" * 22 + "=="}).status == 404


# -- parts, encodings, tags ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "status", "content_range", "body"),
    [
        ("bytes=0-2", 206, "bytes 0-2/10", b"012"),
        ("bytes=7-", 206, "bytes 7-9/10", b"789"),
        ("bytes=-3", 206, "bytes 7-9/10", b"789"),
        ("bytes=-30", 206, "bytes 0-9/10", b"0123456789"),
        ("Bytes= 9-100 ", 206, "bytes 9-9/10", b"9"),
        ("bytes=10-", 416, "bytes */10", b""),
        ("bytes=-0", 416, "bytes */10", b""),
        ("bytes=2-1", 200, None, b"0123456789"),
        ("bytes=0-1,3-4", 200, None, b"0123456789"),
        ("bytes=-", 200, None, b"0123456789"),
        ("lines=0-1", 200, None, b"0123456789"),
    ],
)
def test_part_of_a_file_is_sent(
    serve: Serve, tmp_path: Path, asked: str, status: int, content_range: str | None, body: bytes
) -> None:
    """One range; what need not be understood is ignored (RFC 9110, 14.2)."""
    (tmp_path / "a.bin").write_bytes(b"0123456789")
    live = serve(hold, static=tmp_path)
    response = get(live, "/a.bin", Range=asked)
    assert (response.status, response.headers["Content-Range"], response.body) == (status, content_range, body)
    tag = get(live, "/a.bin").headers["ETag"]
    assert get(live, "/a.bin", Range=asked, **{"If-Range": tag}).status == status
    assert get(live, "/a.bin", Range=asked, **{"If-Range": '"other"'}).status == 200


def test_part_of_a_large_file_is_sent(serve: Serve, tmp_path: Path) -> None:
    """In several pieces."""
    content = bytes(range(256)) * 4096
    (tmp_path / "a.bin").write_bytes(content)
    response = get(serve(hold, static=tmp_path), "/a.bin", Range="bytes=100000-900000")
    assert (response.status, response.body) == (206, content[100_000:900_001])


@pytest.fixture
def encoded(tmp_path: Path) -> Path:
    """Make a module with its encodings beside it, which only their names say."""
    for name, content in (("app.js", "plain"), ("app.js.gz", "gzip"), ("app.js.br", "br"), ("other.js", "plain")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5, br;q=0.4", "gzip"),
        ("br;q=0, gzip;q=0.001", "gzip"),
        ("*", "br"),
        ("*;q=0.5, br;q=0", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("br;q=0", None),
        ("brr, x-gzip", None),
        ("", None),
        ("br;q=2;;,,=", None),
    ],
)
def test_encoding_beside_a_file_is_sent(serve: Serve, encoded: Path, accepted: str, coding: str | None) -> None:
    """The one that the client prefers; caches are told that it depends on that (RFC 9110, 12.5.3)."""
    live = serve(hold, static=encoded)
    response = get(live, "/app.js", **{"Accept-Encoding": accepted})
    assert (response.headers["Content-Encoding"], response.body.decode()) == (coding, coding or "plain")
    assert (response.headers["Content-Type"], response.headers["Vary"]) == (
        "text/javascript; charset=utf-8",
        "Accept-Encoding",
    )
    tag = response.headers["ETag"]
    assert get(live, "/app.js", **{"Accept-Encoding": accepted, "If-None-Match": tag}).status == 304
    other = get(live, "/other.js", **{"Accept-Encoding": accepted})
    assert (other.headers["Content-Encoding"], other.headers["Vary"], other.body) == (None, None, b"plain")


def test_each_encoding_has_its_own_tag(serve: Serve, encoded: Path) -> None:
    """A strong tag is one of bytes."""
    live = serve(hold, static=encoded)
    tags = {get(live, "/app.js", **{"Accept-Encoding": coding}).headers["ETag"] for coding in ("br", "gzip", "")}
    assert len(tags) == 3


def test_stale_encoding_is_not_sent(serve: Serve, encoded: Path) -> None:
    """One that is older than the file."""
    os.utime(encoded / "app.js.br", ns=(0, 0))
    response = get(serve(hold, static=encoded), "/app.js", **{"Accept-Encoding": "br, gzip;q=0.5"})
    assert response.body == b"gzip"


def test_encoding_outside_the_folder_is_not_sent(serve: Serve, tmp_path: Path) -> None:
    """By a symbolic link."""
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "a.js").write_text("plain", encoding="utf-8")
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (folder / "a.js.br").symlink_to(tmp_path / "secret")
    (folder / "a.js.gz").symlink_to("a.js.gz")
    response = get(serve(hold, static=folder), "/a.js", **{"Accept-Encoding": "br, gzip"})
    assert (response.body, response.headers["Vary"]) == (b"plain", None)


def test_tag_of_a_large_file_costs_little(serve: Serve, tmp_path: Path) -> None:
    """It is made of time and size; weak where one more change might have the same (RFC 9110, 8.8.1)."""
    file = tmp_path / "large.bin"
    with file.open("wb") as large:
        large.truncate(1 << 40)
    live = serve(hold, static=tmp_path)
    assert get(live, "/large.bin", Range="bytes=0-0").headers["ETag"].startswith('W/"')
    os.utime(file, ns=(0, 1_600_000_000_000_000_000))
    tag = get(live, "/large.bin", Range="bytes=0-0").headers["ETag"]
    assert tag == f'"{1_600_000_000_000_000_000:x}-{1 << 40:x}"'
    assert get(live, "/large.bin", **{"If-None-Match": f"W/{tag}"}).status == 304
    assert get(live, "/large.bin", **{"If-None-Match": "*"}).status == 304


def test_file_that_changes_at_once_is_sent_again(serve: Serve, tmp_path: Path) -> None:
    """Though its size, and perhaps its time, are the same."""
    file = tmp_path / "a.txt"
    live = serve(hold, static=tmp_path)
    for number in range(10):
        file.write_text(str(number), encoding="utf-8")
        os.utime(file, ns=(0, time.time_ns() // 10**9 * 10**9))
        assert get(live, "/a.txt").body.decode() == str(number)
        tag = get(live, "/a.txt").headers["ETag"]
        file.write_text(str(number + 1), encoding="utf-8")
        assert get(live, "/a.txt", **{"If-None-Match": tag}).status == 200


def test_file_that_becomes_shorter_ends_its_connection(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The client must not take what came for the whole; it is not a failure of the server."""
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(64 << 20))
    live = serve(hold, static=tmp_path)
    with raw_client(live.server.port) as client:
        client.send("GET /a.bin HTTP/1.1", "Host: x")
        client.socket.recv(1)
        os.truncate(file, 1 << 20)
        with pytest.raises((EOFError, ConnectionError)):
            client.take(64 << 20)
    live.until(lambda: not live.server._door._connections)
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
