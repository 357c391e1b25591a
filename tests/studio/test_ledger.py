"""The ledger: an accepted job ends exactly once, whatever dies and whoever wakes up late."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from game_music_maker.errors import Busy, InvalidArgument, NotFound, RenderFailed
from game_music_maker.studio.jobs_ledger import MAX_ATTEMPTS, Job, Ledger
from game_music_maker.studio.store import Database


@dataclass
class World:
    """Studios that share one database file, under one clock that goes only when told to."""

    path: Path
    at: float = 1_800_000_000.0
    dead: set[str] = field(default_factory=set)

    def studio(self, name: str, queue: int = 64) -> Ledger:
        database = Database(self.path, clock=lambda: self.at)
        return Ledger(database, name, lambda owner: owner not in self.dead, lease_s=10, queue=queue)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "studio.db")


def submit(ledger: Ledger, name: str = "r1", session: str = "s") -> Job:
    return ledger.submit_render(name, session, "ann", {"draft": {}})


def claimed(ledger: Ledger) -> Job:
    job = ledger.claim()
    assert job is not None
    return job


def test_the_same_id_twice_is_one_job(world: World) -> None:
    a, b = world.studio("a"), world.studio("b")
    first, again = submit(a), submit(b)
    assert first == again
    assert claimed(a).id == "r1"
    assert b.claim() is None
    with pytest.raises(InvalidArgument):
        submit(b, session="another")


def test_jobs_are_claimed_in_their_order_each_by_one_studio(world: World) -> None:
    studios = [world.studio(name) for name in "abc"]
    for i in range(9):
        submit(studios[0], f"r{i}")
        world.at += 1
    got = [claimed(studios[i % 3]).id for i in range(9)]
    assert got == [f"r{i}" for i in range(9)]
    assert all(studio.claim() is None for studio in studios)


def test_two_hundred_at_once_are_bounded_and_none_is_lost_or_doubled(world: World) -> None:
    world.studio("first")
    taken: list[str] = []
    refused: list[float | None] = []

    def ask(part: int) -> None:
        ledger = world.studio(f"studio {part}")
        for i in range(50):
            try:
                taken.append(submit(ledger, f"r{part}-{i}").id)
            except Busy as busy:
                refused.append(busy.retry_after_s)

    threads = [threading.Thread(target=ask, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 64
    assert len(refused) == 136
    assert all(refused)
    ledger = world.studio("last")
    done = []
    while (job := ledger.claim()) is not None:
        assert ledger.complete(job, {})
        done.append(job.id)
    assert sorted(done) == sorted(taken)


def test_a_dead_studios_job_is_taken_over_at_once_and_a_living_ones_is_not(world: World) -> None:
    a, b = world.studio("a"), world.studio("b")
    submit(a)
    claimed(a)
    assert b.claim() is None
    world.dead.add("a")
    assert claimed(b).attempts == 2


def test_whoever_slept_past_the_lease_cannot_publish(world: World) -> None:
    a, b = world.studio("a"), world.studio("b")
    submit(a)
    old = claimed(a)
    world.at += 11
    new = claimed(b)
    assert a.renew(old, 0.9, "late") == "lost"
    assert not a.complete(old, {"by": "a"})
    assert not a.fail(old, RenderFailed("late"))
    assert b.complete(new, {"by": "b"})
    assert not b.complete(new, {"by": "b again"})
    assert b.get("ann", "r1").result == {"by": "b"}


def test_a_renewed_lease_holds(world: World) -> None:
    a, b = world.studio("a"), world.studio("b")
    submit(a)
    job = claimed(a)
    for _ in range(5):
        world.at += 8
        assert a.renew(job, 0.5, "mixing") == "held"
        assert b.claim() is None
    assert a.get("ann", "r1").stage == "mixing"


def test_attempts_are_bounded_and_then_failed_with_the_reason(world: World) -> None:
    ledger = world.studio("a")
    submit(ledger)
    again = [ledger.crashed(claimed(ledger)) for _ in range(MAX_ATTEMPTS)]
    assert again == [True] * (MAX_ATTEMPTS - 1) + [False]
    ended = ledger.get("ann", "r1")
    assert ended.state == "failed"
    assert ended.error is not None
    assert f"{MAX_ATTEMPTS} times" in ended.error["message"]
    assert ledger.claim() is None


def test_a_studio_that_ends_gives_its_jobs_back_without_counting_the_attempt(world: World) -> None:
    a = world.studio("a")
    submit(a)
    claimed(a)
    a.release()
    assert claimed(world.studio("b")).attempts == 1


def test_cancel_ends_what_waits_and_tells_what_runs(world: World) -> None:
    a, b = world.studio("a"), world.studio("b")
    submit(a, "waits")
    assert b.cancel("waits").state == "cancelled"
    submit(a, "runs")
    job = claimed(a)
    assert b.cancel("runs").state == "running"
    assert a.renew(job, 0.1, "") == "cancel"
    assert a.cancelled(job)
    assert a.cancel("runs").state == "cancelled"
    with pytest.raises(NotFound):
        a.cancel("unheard of")


def test_a_cancelled_job_of_a_dead_studio_is_not_tried_again(world: World) -> None:
    a, b = world.studio("a"), world.studio("b")
    submit(a)
    claimed(a)
    b.cancel("r1")
    world.dead.add("a")
    assert b.claim() is None
    assert b.get("ann", "r1").state == "cancelled"


def test_one_turn_at_a_time_in_a_session_across_studios(world: World) -> None:
    a, b = world.studio("a"), world.studio("b")
    first = a.begin_turn("turn_1", "s", "ann", {})
    with pytest.raises(Busy) as busy:
        b.begin_turn("turn_2", "s", "ann", {})
    assert busy.value.retry_after_s
    assert b.begin_turn("turn_3", "other", "ann", {})
    assert a.complete(first, {})
    assert b.begin_turn("turn_4", "s", "ann", {})


def test_a_turn_of_a_dead_studio_has_failed_and_the_next_may_begin(world: World) -> None:
    a, b = world.studio("a"), world.studio("b")
    a.begin_turn("turn_1", "s", "ann", {})
    world.dead.add("a")
    assert b.begin_turn("turn_2", "s", "ann", {})
    assert b.get("ann", "turn_1").state == "failed"


def test_others_jobs_are_not_seen(world: World) -> None:
    ledger = world.studio("a")
    submit(ledger)
    with pytest.raises(NotFound):
        ledger.get("bob", "r1")
    assert ledger.get("owner", "r1").id == "r1"


