"""EXT-1, EXT-2: names of this specification, and of others."""

from __future__ import annotations

from pagewire_conformance.peer.judge import CAPABILITY_NAMES
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement
from pagewire_protocol.codes import ErrorCode


@requirement("EXT-1")
def test_capabilities_are_the_specifications_or_have_a_colon(unconnected: Peer) -> None:
    """EXT-1: the names that the client announces."""
    names = unconnected.accept()["capabilities"]
    assert [name for name in names if name not in CAPABILITY_NAMES and ":" not in name] == []


@requirement("EXT-1")
def test_codes_of_errors_are_the_specifications_or_have_a_colon(peer: Peer) -> None:
    """EXT-1: the code with which an unknown command is refused."""
    with peer.own_verdict():
        reply = peer.ask({"type": "acme:command", "params": {}})
    code = reply["params"]["code"]
    assert code in set(ErrorCode) or ":" in code


@requirement("EXT-2")
def test_capabilities_have_settings(unconnected: Peer) -> None:
    """EXT-2: each capability is a name to an object of settings."""
    capabilities = unconnected.accept()["capabilities"]
    assert all(isinstance(settings, dict) for settings in capabilities.values())


@requirement("EXT-2")
def test_unknown_capabilities_of_the_server_are_ignored(unconnected: Peer) -> None:
    """EXT-2: a server may announce what the client does not know."""
    unconnected.connect(capabilities={"novelty": {"level": 3}, "acme:x": {}, "streams": {"of": "its own"}})
    assert unconnected.value("1 + 1") == 2
