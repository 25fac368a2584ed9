"""The cheap attacks. Their figures are sizes, counts and outcomes, which do not depend on how busy the machine is."""

from __future__ import annotations

import pytest
from attack import AnyAttack, before
from run_attacks import all_attacks
from victim import Arena

CHEAP = [attack for attack in all_attacks() if attack.is_cheap]


@pytest.mark.parametrize("attack", CHEAP, ids=lambda attack: attack.name)
@pytest.mark.timeout(180)
def test_attack_takes_no_more_than_its_limit(attack: AnyAttack) -> None:
    figure = attack.run(Arena())
    assert figure <= attack.limit, f"{figure} {attack.counted}"


def test_every_attack_has_a_name_of_its_own_and_is_recorded() -> None:
    """`before.json` has what each took before its defence was built."""
    names = [attack.name for attack in all_attacks()]
    assert sorted(names) == sorted(before())
