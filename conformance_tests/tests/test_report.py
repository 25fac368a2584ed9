"""The report's forms: what stands in report.json, in the page, and on the badge."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from pagewire_conformance.options import Options
from pagewire_conformance.report.badge import render_badge
from pagewire_conformance.report.html_report import pretty_frame, render_html
from pagewire_conformance.report.records import CaseRecord
from pagewire_conformance.report.report_files import report_schema, write_json
from pagewire_conformance.report.run_report import RunReport
from pagewire_conformance.verdicts import Verdict

HOSTILE = """</pre></script><script>alert("1")</script><img src=//x.example/y onerror='a()'>&amp;{{ 7 * 7 }}"""
CLIENT = {"name": "swift-chat", "version": "2.3.1"}
PROFILES = {"resume": "resume", "streams": "streams", "set_env": "page"}


def entry(at_ms: float, connection: int, direction: str, frame: object) -> dict[str, Any]:
    text = frame if isinstance(frame, str) else json.dumps(frame, ensure_ascii=False)
    size = 0 if direction == "note" else len(text.encode("utf-8", "surrogatepass"))
    return {"at_ms": at_ms, "connection": connection, "direction": direction, "text": text, "size": size}


def conversation() -> list[dict[str, Any]]:
    """Return what went over two connections: a hello, a long frame, text beyond the BMP, a break, a replay."""
    hello = {
        "versions": ["1.0"],
        "client": CLIENT,
        "instance": "Ck3nW0…",
        "app": "index",
        "capabilities": {"streams": {}, "download": {}},
        "page": {"url": "http://localhost:8080/", "language": "en-GB", "languages": ["en-GB", "en"]},
        "limits": {"max_message_bytes": 4194304},
    }
    welcome = {
        "version": "1.0",
        "session": "s-5f2c9a",
        "last_seq": 0,
        "heartbeat": {"interval_ms": 15000, "timeout_ms": 15000},
        "limits": {"max_message_bytes": 4194304, "max_values": 50000, "stream_window_bytes": 2097152},
        "resume_window_ms": 120000,
    }
    run = {"type": "run_js", "id": 1, "seq": 1, "params": {"code": "const all = [];\nreturn '🧪'.repeat(2)"}}
    long = {"type": "eval_js", "id": 2, "seq": 2, "params": {"expression": "x" * 4100}}
    resumed = hello | {"resume": {"session": "s-5f2c9a", "last_seq": 1}}
    return [
        entry(0.4, 1, "note", "the client connects to /pagewire?key=b81Zq"),
        entry(2.9, 1, "client", {"type": "hello", "params": hello}),
        entry(3.2, 1, "suite", {"type": "welcome", "params": welcome | {"resumed": False}}),
        entry(5.0, 1, "suite", run),
        entry(9.6, 1, "client", {"type": "result", "id": 1, "seq": 1, "params": {"value": "🧪🧪 naïve 漢字"}}),
        entry(10.1, 1, "suite", f"{json.dumps(long)[:4000]}… (157 characters more)"),
        entry(12.7, 1, "suite", "[chunk: id 3, offset 65536, 16384 bytes]"),
        entry(14.0, 1, "note", "the suite drops the connection"),
        entry(531.8, 2, "note", "the client connects to /pagewire?key=b81Zq"),
        entry(534.2, 2, "client", {"type": "hello", "params": resumed}),
        entry(534.9, 2, "suite", {"type": "welcome", "params": welcome | {"resumed": True, "last_seq": 1}}),
        entry(
            1538.3,
            2,
            "client",
            '{"type": "event", "seq": 1.0, "seq": 2, "params": {"data": [1e999, "\\u00e9", "\U0001f9ea"]}}',
        ),
        entry(1541.0, 2, "note", "the client closes with 1000"),
    ]


def record(case: str, verdict: Verdict, requirement: str, **changes: Any) -> CaseRecord:
    name = case.rpartition("::")[2].split("[")[0].removeprefix("test_").replace("_", " ")
    given: dict[str, Any] = {
        "case": case,
        "title": f"{requirement}: {name}.",
        "requirements": [requirement],
        "profile": PROFILES.get(case.split("/", maxsplit=1)[0], "core"),
        "verdict": verdict,
        "seconds": 0.183,
        "transcript": conversation()[:5],
        "client": CLIENT,
        "capabilities": ["download", "streams"],
    }
    return CaseRecord(**given | changes)


def records() -> list[CaseRecord]:
    """Return a case of every verdict, and one that a client made as nasty as it could."""
    return [
        record("handshake/test_hello.py::test_hello_is_the_first_message", Verdict.PASSED, "HELLO-1"),
        record("handshake/test_hello.py::test_hello_is_the_same_after_a_break", Verdict.PASSED, "HELLO-8"),
        record(
            "eval_js/test_values.py::test_value_is_what_json_stringify_makes_of_it[-0]",
            Verdict.FAILED,
            "EVAL-5",
            message="part minus_zero: expected the value\n    0\nbut there came\n    -0.0",
            broken=["EVAL-5", "WIRE-6"],
            transcript=conversation(),
            output="swift-chat: connected\nswift-chat: Fatal error: index out of range (Values.swift:118)\n",
            seconds=1.542,
        ),
        record(
            "eval_js/test_values.py::test_hostile[<script>x</script>]",
            Verdict.FAILED,
            "EVAL-4",
            title=f"EVAL-4: {HOSTILE}",
            message=f"{HOSTILE}\x00\x1b[31m\u202e\ud800",
            broken=["EVAL-4"],
            output=HOSTILE,
            transcript=[
                entry(-0.1, 0, "note", HOSTILE),
                entry(1, 1, "client", [HOSTILE]),
                entry(1, 1, "suite", HOSTILE),
            ],
        ),
        record(
            "resume/test_replay.py::test_what_was_not_acknowledged_comes_again",
            Verdict.ERROR,
            "RESUME-3",
            message="KeyError: 'last_seq'",
            transcript=conversation(),
        ),
        record(
            "resume/test_reconnecting.py::test_wait_between_attempts_is_random",
            Verdict.WARNING,
            "RESUME-10",
            message="expected attempts at random times, but 5 came after 500 ms each",
            broken=["RESUME-10"],
        ),
        record(
            "streams/test_chunks.py::test_chunks_are_saved_in_order",
            Verdict.UNVERIFIED,
            "STREAM-1",
            message="where the client saves files is not known: name its folder with --downloads",
        ),
        record(
            "streams/test_chunks.py::test_large_file_arrives_whole",
            Verdict.KNOWN_FAILURE,
            "STREAM-2",
            message="expected 3000000 bytes, but 2097152 came; known: waits for release 2.4",
            broken=["STREAM-2"],
        ),
        record(
            "set_env/test_settings.py::test_title_is_the_windows",
            Verdict.NOT_OFFERED,
            "ENV-1",
            message="the client has no page: its hello has no page.url",
        ),
    ]


def report(found: list[CaseRecord] | None = None, **changes: Any) -> RunReport:
    kept = records() if found is None else found
    given: dict[str, Any] = {
        "options": Options(command="swift run chat-client {url}"),
        "version": "0.1.0",
        "started": "2026-03-04T12:30:05+00:00",
        "seconds": 192.42,
        "expected": [each.case for each in kept],
        "records": kept,
    }
    return RunReport(**given | changes)


class Reader(HTMLParser):
    """Collects a page's tags with their attributes, and the text of its elements by their class."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] and self.tags[-1][0] not in {"script", "style"}:
            self.text += data


@pytest.fixture
def page() -> str:
    return render_html(report(problems=[f"a worker died: {HOSTILE}"]).as_json())


class TestSchema:
    def test_report_of_every_verdict_is_valid(self) -> None:
        assert errors(report(expected=["a/b.py::c"], problems=["a worker died"]).as_json()) == []

    def test_report_of_a_run_without_cases_is_valid(self) -> None:
        assert errors(report([]).as_json()) == []

    def test_schema_is_a_schema(self) -> None:
        jsonschema.Draft202012Validator.check_schema(report_schema())

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"format": 2}, "1 was expected"),
            ({"verdict": "fine"}, "'fine' is not one of ['conformant', 'not conformant', 'run failed']"),
            ({"more": 1}, "Additional properties are not allowed ('more' was unexpected)"),
            ({"counts": {"great": 1}}, "'great' is not one of ['error', 'failed',"),
            ({"cases": [{}]}, "'case' is a required property"),
        ],
    )
    def test_report_that_is_wrong_is_not_valid(self, change: dict[str, Any], complaint: str) -> None:
        assert errors(report().as_json() | change)[0].startswith(complaint)

    def test_every_field_is_described_and_every_object_is_closed(self) -> None:
        assert list(undescribed(report_schema(), "#")) == []

    def test_file_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        data = report().as_json()
        write_json(data, tmp_path / "report.json")
        assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == data


def errors(data: Any) -> list[str]:
    found = jsonschema.Draft202012Validator(report_schema()).iter_errors(json.loads(json.dumps(data)))
    return [error.message for error in found]


def undescribed(schema: dict[str, Any], where: str) -> Any:
    if "description" not in schema:
        yield f"{where}: no description"
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        yield f"{where}: not closed"
    for group in ("properties", "$defs"):
        for name, inner in schema.get(group, {}).items():
            yield from undescribed(inner, f"{where}/{group}/{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(name), dict):
            yield from undescribed(inner, f"{where}/{name}")


class TestPage:
    def test_markup_of_the_client_stays_text(self, page: str) -> None:
        tags = [name for name, _ in Reader(page).tags]
        assert (tags.count("script"), tags.count("img")) == (1, 0)
        assert "49" not in re.findall(r"&amp;(\S+)", page)

    def test_markup_of_the_client_is_shown_wherever_it_came(self, page: str) -> None:
        shown = Reader(page).text
        assert shown.count(HOSTILE) == 6  # a problem, a title, a message, the output, a note, a frame that is no JSON
        assert json.dumps(HOSTILE) in shown
        assert "test_hostile[<script>x</script>]" in shown

    def test_what_cannot_be_seen_is_shown(self, page: str) -> None:
        assert "␀␛[31m⟨U+202E⟩\\ud800" in page

    def test_nothing_is_loaded(self, page: str) -> None:
        attributes = [pair for _, found in Reader(page).tags for pair in found.items()]
        addresses = {value for name, value in attributes if name in {"src", "href", "action", "data", "srcset"}}
        assert {address[0] for address in addresses} == {"#"}
        assert not re.search(r"url\(|@import|\bfetch\b", page)

    def test_policy_forbids_the_network(self, page: str) -> None:
        policy = next(found["content"] for name, found in Reader(page).tags if "http-equiv" in found)
        assert re.sub(r"sha256-[\w+/]+=", "HASH", policy) == (
            "default-src 'none'; style-src 'HASH'; script-src 'HASH'; base-uri 'none'; form-action 'none'"
        )

    def test_every_case_is_there_and_failures_are_open(self, page: str) -> None:
        cases = [found for name, found in Reader(page).tags if name == "details" and "case" in found.get("class", "")]
        assert [(found["class"], "open" in found) for found in cases] == [
            ("case error", True),
            ("case warning", False),
            ("case failed", True),
            ("case failed", True),
            ("case known-failure", False),
            ("case unverified", False),
            ("case passed", False),
            ("case passed", False),
            ("case not-offered", False),
        ]
        assert [id_ for id_ in (each.case for each in records()) if id_ not in unescape(page)] == []

    @pytest.mark.parametrize("verdict", list(Verdict))
    def test_verdict_is_told_in_words(self, page: str, verdict: Verdict) -> None:
        assert f">{verdict.value}</b>" in page

    @pytest.mark.parametrize(
        ("found", "words"), [(records()[:2], "conformant"), (records()[:3], "not conformant"), ([], "run failed")]
    )
    def test_heading_says_the_verdict_on_the_run(self, found: list[CaseRecord], words: str) -> None:
        page = render_html(report(found).as_json())
        assert f"<h1><span>{words}</span></h1>" in page

    def test_links_lead_somewhere(self, page: str) -> None:
        tags = Reader(page).tags
        ids = [found["id"] for _, found in tags if "id" in found]
        links = {found["href"][1:] for _, found in tags if "href" in found}
        assert (links - set(ids), len(ids) - len(set(ids))) == (set(), 0)

    def test_requirement_names_the_cases_of_others_that_found_it_broken(self, page: str) -> None:
        row = page.split('<tr id="r-WIRE-6">')[1].split("</tr>", maxsplit=1)[0]
        assert Reader(row).text.split("Found broken by")[1].strip() == records()[2].case

    def test_connections_are_told_apart(self, page: str) -> None:
        case = page.split('id="c3"')[1].split("</ol>", maxsplit=1)[0]
        assert re.findall(r"connection \d", case) == ["connection 1", "connection 2"]

    def test_five_hundred_cases_are_less_than_six_megabytes(self) -> None:
        entries = conversation()[1:5] * 5
        found = [
            record(f"eval_js/test_values.py::test_{number}", Verdict.PASSED, "EVAL-5", transcript=entries)
            for number in range(500)
        ]
        assert len(render_html(report(found).as_json()).encode()) < 6_000_000


class TestFrame:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ('{"a":1.0,"a":1e999,"b":"\\u00e9, {"}', '{"a": 1.0, "a": 1e999, "b": "\\u00e9, {"}'),
            ('{"params":{"value":"%s"}}' % ("x" * 60), '{\n\t"params": {\n\t\t"value": "%s"\n\t}\n}' % ("x" * 60)),
            (f"[{','.join(['12'] * 30)}]", f"[{', '.join(['12'] * 30)}]"),
            ('{"type": "hello", ', '{"type": "hello", '),
            ("[chunk: id 3]", "[chunk: id 3]"),
            ("[" * 100_000, "[" * 100_000),
        ],
        ids=["tokens_stay", "long", "array_of_numbers", "cut_off", "no_json", "deep"],
    )
    def test_frame_is_laid_out_and_not_rewritten(self, text: str, shown: str) -> None:
        assert pretty_frame(text) == shown


class TestBadge:
    @pytest.mark.parametrize(
        ("found", "words", "colour"),
        [
            ([*records()[:2], records()[5], records()[8]], "conformant: core, resume", "#2b7a3d"),
            (records()[8:], "conformant", "#2b7a3d"),
            (records()[:3], "not conformant", "#b3352b"),
            ([], "run failed", "#6b6f76"),
        ],
    )
    def test_badge_says_what_was_shown(self, found: list[CaseRecord], words: str, colour: str) -> None:
        badge = ET.fromstring(render_badge(report(found).as_json()))  # noqa: S314 - our own
        texts = [node.text for node in badge.iter("{http://www.w3.org/2000/svg}text")]
        title = badge.findtext("{http://www.w3.org/2000/svg}title")
        fills = [node.get("fill") for node in badge.iter("{http://www.w3.org/2000/svg}rect")]
        assert (texts, fills[-1]) == (["pagewire 1.0", words], colour)
        assert title == badge.get("aria-label") == f"pagewire 1.0 | {words}"
