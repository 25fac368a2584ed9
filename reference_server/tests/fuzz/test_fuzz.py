"""Fuzzed conversations in small number; `fuzz_server.py` beside this file holds as many as one likes."""

from __future__ import annotations

import asyncio
import random

from choices import Choices, RandomSource
from conversation import FuzzedServer
from hypothesis import given, settings
from hypothesis import strategies as st


def test_no_conversation_does_more_than_end_its_session() -> None:
    """Only violations come out, each end has a valid bye, nothing is kept, and the neighbour is served."""

    async def converse() -> None:
        server = FuzzedServer()
        for seed in range(1500):
            await server.converse(Choices(RandomSource(random.Random(seed))))  # noqa: S311 - only repeatable
        assert {"invalid_message", "session_ended", "too_large"} <= server.counts.keys()

    asyncio.run(converse())


@settings(derandomize=True, max_examples=200, deadline=None, database=None)
@given(st.randoms(use_true_random=False))
def test_what_goes_wrong_is_made_small(generator: random.Random) -> None:
    """The same, led by Hypothesis, which shows the shortest conversation that fails."""

    async def converse() -> None:
        await FuzzedServer().converse(Choices(RandomSource(generator)))

    asyncio.run(converse())
