"""What the suite knows of each message, setting and capability is complete: nothing in the registry lacks it."""

from __future__ import annotations

from functools import cache

import pytest
from broken_clients.harness import all_cases

from pagewire_conformance.clients.builtin_page import SETTING_PROBES
from pagewire_conformance.messages import COMMAND_TYPES, SESSION_TYPES
from pagewire_conformance.peer.judge import Judge
from pagewire_conformance.peer.schemas import CLIENT_TYPES, check_schema
from pagewire_conformance.verdicts import Broken
from pagewire_protocol.command_messages import SETTINGS
from pagewire_protocol.registry import RESULT_MODELS


@cache
def topics() -> frozenset[str]:
    return frozenset(case.id.split("/")[0] for case in all_cases())


def test_every_command_has_a_topic() -> None:
    assert set(RESULT_MODELS) == COMMAND_TYPES
    assert topics() >= SESSION_TYPES


def test_every_setting_has_a_case_for_its_effect() -> None:
    """But for the interval, which has an effect over HTTP only."""
    effects = {case.arguments["name"] for case in all_cases() if case.name.endswith("::test_setting_has_its_effect")}
    assert effects == set(SETTINGS) - {"http_pull_interval"}


def test_every_effect_can_be_seen_in_the_reference_page() -> None:
    """The title is seen by the browser's driver."""
    assert set(SETTING_PROBES) | {"title"} == set(SETTINGS) - {"http_pull_interval"}


@pytest.mark.parametrize("type_", sorted(CLIENT_TYPES))
def test_every_message_of_a_client_has_a_requirement_for_its_params(type_: str) -> None:
    with pytest.raises(Broken) as caught:
        check_schema({"type": type_, "params": {"novelty": 1}, "seq": 1, "id": 1, "novelty": 1})
    assert caught.value.requirement


@pytest.mark.parametrize("command", sorted(RESULT_MODELS))
def test_a_result_has_what_its_command_asks_for(command: str) -> None:
    fields = dict.fromkeys(RESULT_MODELS[command].model_fields, 0)
    Judge._check_result(command, fields)
    wrongs = [fields | {"novelty": 0}, *({name: 0 for name in fields if name != missing} for missing in fields)]
    for wrong in wrongs:
        with pytest.raises(Broken, match=f"the result of {command} has"):
            Judge._check_result(command, wrong)


def test_the_result_of_a_vendor_is_its_own() -> None:
    Judge._check_result("acme:blink", {"anything": 1})
