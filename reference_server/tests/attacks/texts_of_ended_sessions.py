"""Sessions come and end, each with a text of its own: under Python 3.12.1 those were interned, and never freed."""

from __future__ import annotations

from attack import Attack, main
from victim import Arena

SESSIONS = 4000


def attack(arena: Arena) -> float:
    """Return the bytes for each of the last half of the sessions, whose deaths are forgotten at once."""
    with arena.victim(log_level="ERROR", resume_window=0.01, max_sessions_per_address=None) as victim:
        half = 0.0
        for number in range(SESSIONS):
            if number == SESSIONS // 2:
                half = victim.growth
            with victim.client() as client:
                client.open_session()
                client.send_session(f"{'x' * 150}{number}", "{}")
                client.receive()
        return (victim.growth - half) * 2**20 / (SESSIONS // 2)


ATTACKS = (Attack("texts of ended sessions", "B each", 150, attack, is_cheap=False),)

if __name__ == "__main__":
    main(*ATTACKS)
