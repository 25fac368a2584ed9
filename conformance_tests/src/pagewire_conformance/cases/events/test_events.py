"""EVENT-1 to EVENT-3: what the page tells the program."""

from __future__ import annotations

from pagewire_conformance.messages import eval_js, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

TRY = "(() => {{ try {{ {0}; return 'sent' }} catch (error) {{ return 'thrown' }} }})()"


@requirement("EVENT-1")
def test_data_is_what_json_stringify_makes_of_it(peer: Peer) -> None:
    """EVENT-1: an event carries the name, and the data as JSON.stringify has it, null where that is undefined."""
    for data, arrives in [
        ("null", None),
        ("undefined", None),
        ("() => 1", None),
        ("[1, {a: undefined}]", [1, {}]),
        ("new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("'\\ud800'", "\ufffd"),
        ("NaN", None),
        ("'x'.repeat(100000)", "x" * 100_000),
    ]:
        with peer.part(data):
            peer.send(run_js(f"pagewire.emit('clicked', {data})"))
            assert peer.receive("event")["params"] == {"name": "clicked", "data": arrives}
            peer.receive("result")


@requirement("EVENT-1")
def test_data_may_be_left_out(peer: Peer) -> None:
    """EVENT-1: without data it is null."""
    peer.send(run_js("pagewire.emit('n'.repeat(128))"))
    assert peer.receive("event")["params"] == {"name": "n" * 128, "data": None}


@requirement("EVENT-1")
def test_characters_of_a_name_are_code_points(peer: Peer) -> None:
    """EVENT-1: 128 characters beyond the basic plane are 128 characters."""
    peer.send(run_js("pagewire.emit('\\u{1F9EA}'.repeat(128))"))
    assert peer.receive("event")["params"]["name"] == "\U0001f9ea" * 128


@requirement("EVENT-2")
def test_events_come_in_order(peer: Peer) -> None:
    """EVENT-2: a hundred events come in the order of the calls."""
    peer.send(run_js("for (let n = 0; n < 100; n++) pagewire.emit('n', n)"))
    assert [peer.receive("event")["params"]["data"] for _ in range(100)] == list(range(100))


@requirement("EVENT-3")
def test_invalid_emit_throws(peer: Peer) -> None:
    """EVENT-3: emit throws on a bad name and on data without JSON, and nothing is sent."""
    for call in [
        "pagewire.emit()",
        "pagewire.emit('', 1)",
        "pagewire.emit(1, 1)",
        "pagewire.emit(null, 1)",
        "pagewire.emit({toString: () => 'a'}, 1)",
        "pagewire.emit('x'.repeat(129), 1)",
        "pagewire.emit('a', 1n)",
        "const x = []; x.push(x); pagewire.emit('a', x)",
        "pagewire.emit('a', {toJSON() { throw 1 }})",
    ]:
        with peer.part(call):
            assert peer.value(TRY.format(call)) == "thrown"
            peer.expect_nothing_more()


@requirement("EVENT-3")
def test_emit_throws_when_too_much_is_unacknowledged(peer: Peer) -> None:
    """EVENT-3: beyond 1048576 bytes of unacknowledged session messages, emit throws; after an ack there is room."""
    loop = "for (; n < 30; n++) pagewire.emit('fill', 'x'.repeat(100000))"
    id_ = peer.send(eval_js(f"(() => {{ let n = 0; try {{ {loop} }} catch {{}} return n }})()"))
    assert peer.reply(id_)["params"] == {"value": 10}
    assert len(peer.line.left_over()) == 10
    peer.ack()
    assert peer.value(TRY.format("pagewire.emit('room', 1)")) == "sent"


@requirement("EVENT-3", "DELIVERY-8")
def test_replies_count_but_always_find_room(peer: Peer) -> None:
    """EVENT-3: unacknowledged replies take room from events; DELIVERY-8: replies themselves are never refused."""
    for _ in range(12):
        assert len(peer.value("'x'.repeat(100000)")) == 100_000
    assert peer.value(TRY.format("pagewire.emit('a', 1)")) == "thrown"
    peer.ack()
    assert peer.value(TRY.format("pagewire.emit('a', 1)")) == "sent"


@requirement("EVENT-2")
@profile(Profile.RESUME)
def test_events_of_a_time_without_connection_come_later_in_order(peer: Peer) -> None:
    """EVENT-2: events that are emitted while there is no connection are sent after it is back, in order."""
    peer.send(eval_js("new Promise(resolve => { globalThis.go = resolve })"))
    peer.send(run_js("go(1); await null; for (let n = 0; n < 20; n++) pagewire.emit('n', n)"))
    peer.line.break_connection()
    peer.resume()
    numbers: list[int] = []
    while len(numbers) < 20:
        numbers.append(peer.receive_timed("event")[0]["params"]["data"])
    assert numbers == list(range(20))
