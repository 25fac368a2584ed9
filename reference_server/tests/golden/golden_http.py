"""Recorded conversations: plain requests."""

from __future__ import annotations

from golden_handshake import idle
from golden_stage import Stage, conversation

_PAGE = '<!doctype html><script nonce="{{nonce}}" src="a.js"></script><p nonce="{{other}}">ä</p>'


def _write_site(stage: Stage) -> None:
    (stage.folder / "sub" / "deeper").mkdir(parents=True)
    (stage.folder / "index.html").write_text(_PAGE, encoding="utf-8")
    (stage.folder / "sub" / "index.html").write_text("<p>sub", encoding="utf-8")
    for name in ("a.js", "a.mjs", "a.css", "a.json", "a.md", "a.svg", "a.bin", "no_suffix", "ä b.txt"):
        (stage.folder / name).write_text(f"this is {name}\n", encoding="utf-8")


@conversation("http")
def files(stage: Stage) -> None:
    """By type, folders, names that are quoted, and what is no file or lies outside."""
    _write_site(stage)
    stage.serve(idle, static=stage.folder)
    for path in (
        *("/", "/?app=x", "/index.html", "/sub", "/sub/", "/sub/deeper"),
        *("/a.js", "/a.mjs", "/a.css", "/a.json", "/a.md", "/a.svg", "/a.bin", "/no_suffix", "/%C3%A4%20b.txt?x#y"),
        *("/nothing", "/../index.html", "/%2e%2e/index.html", "/a.js/", "/a.js%00", "/sub%5cindex.html", "//a.js"),
        *("/pagewire/nothing.js", "/" + "x" * 300),
    ):
        stage.get(path)


@conversation("http")
def not_modified(stage: Stage) -> None:
    """By ETag, until the file changes."""
    (stage.folder / "a.txt").write_text("old\n", encoding="utf-8")
    stage.serve(idle, static=stage.folder)
    tag = '"01d09d19c2139a46aebfb577780d123d"'
    for tags in (tag, f'"other", W/{tag}', '"other"', "*"):
        stage.get("/a.txt", **{"If-None-Match": tags})
    (stage.folder / "a.txt").write_text("newer\n", encoding="utf-8")
    stage.get("/a.txt", **{"If-None-Match": tag})


@conversation("http")
def strict_policy(stage: Stage) -> None:
    """A nonce in each page, and no 'unsafe-eval'."""
    _write_site(stage)
    stage.serve(idle, static=stage.folder, strict_csp=True)
    for path in ("/", "/sub/", "/a.js", "/nothing"):
        stage.get(path)


@conversation("http")
def own_policy(stage: Stage) -> None:
    """As it is given; and with what it says of scripts replaced."""
    _write_site(stage)
    policy = "default-src 'self'; Script-Src 'unsafe-inline'; script-src-elem *; img-src *"
    stage.serve(idle, static=stage.folder, content_security_policy=policy)
    stage.get("/a.js")


@conversation("http")
def health(stage: Stage) -> None:
    """Counts sessions, those whose client is away included."""
    stage.serve(idle)
    stage.get("/health")
    client = stage.connect()
    stage.get("/health")
    stage.get("/health?x=1")
    client.cut()
    stage.settle()
    stage.get("/health")
    stage.reconnect(client).leave()
    stage.get("/health")


@conversation("http")
def socket_without_upgrade(stage: Stage) -> None:
    """426; and with an upgrade to something else."""
    stage.serve(idle)
    stage.get("/ws")
    stage.get("/ws?key=x", Upgrade="h2c", Connection="Upgrade, close")


@conversation("http")
def upgrade(stage: Stage) -> None:
    """The whole response to a good one."""
    stage.serve(idle)
    client = stage.connect(hello=False)
    headers = [f"{name}: {value}" for name, value in client.response.headers.raw_items() if name != "Date"]
    stage.record.add(headers=sorted(headers))
    client.say_hello()
