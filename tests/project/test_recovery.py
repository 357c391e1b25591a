"""Looking at the state after a broken stream: when, how often, and what counts as a change."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from game_music_maker.errors import BackendUnreachable, SessionGone
from game_music_maker.project.recovery import Found, look_for_change
from game_music_maker.settings import Settings


class Clock:
    """Time that passes when it is slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return 0.0

    def ticks(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def look(drafts: list[Any], *, known: bool = True, before: Any = None) -> tuple[Found, list[float]]:
    clock, left = Clock(), list(drafts)

    async def read() -> Any:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    first = Settings.from_environ({"HOME": "/home/x"}).recovery_seconds
    work = look_for_change(read, before, known=known, first_wait_s=first, clock=clock, note=lambda _: None)
    return asyncio.run(work), clock.slept


def test_it_looks_after_thirty_seconds_then_every_sixty_five_times_at_most() -> None:
    assert look([None] * 9) == (Found(None, False), [30, 60, 60, 60, 60])


def test_a_change_ends_the_looking() -> None:
    assert look([{"t": []}, {"t": [1]}, None], before={"t": []}) == (Found({"t": [1]}, True), [30, 60])


def test_a_look_that_fails_counts_as_no_change() -> None:
    found, slept = look([BackendUnreachable("x"), {"t": [1]}])
    assert (found.changed, slept) == (True, [30, 60])


def test_what_was_before_must_be_known_to_tell_a_change() -> None:
    assert look([{"t": [1]}] * 5, known=False)[0] == Found({"t": [1]}, False)


def test_a_session_that_is_gone_ends_the_looking() -> None:
    with pytest.raises(SessionGone):
        look([SessionGone("x")])
