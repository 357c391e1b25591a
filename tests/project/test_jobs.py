"""Jobs belong to the server and survive it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from game_music_maker.errors import NoCredits, OutcomeUnknown
from game_music_maker.project import jobs as jobs_module
from game_music_maker.project.clock import SystemClock
from game_music_maker.project.jobs import Jobs, Run
from game_music_maker.project.store import Owner, Project, Store


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[], tuple[Jobs, Store]]]:
    opened: list[Store] = []

    def one() -> tuple[Jobs, Store]:
        store = Store(tmp_path / "home")
        opened.append(store)
        store.add_project(Project("run", "local", "", "", "", "en", 1.0, 1.0), free_name=False)
        return Jobs(store, Owner(tmp_path / "home"), SystemClock()), store

    yield one
    for store in opened:
        store.close()


async def done(run: Run) -> dict[str, Any]:
    run.progress(0.5, "half way")
    return {"status": "done", "message": "made"}


def test_a_job_outlives_the_wait_of_its_caller(make: Callable[[], tuple[Jobs, Store]]) -> None:
    async def scenario() -> None:
        jobs, _ = make()
        gate = asyncio.Event()

        async def work(run: Run) -> dict[str, Any]:
            await gate.wait()
            return {"status": "done"}

        job, begun = jobs.begin("run", "turn", {"message": "x"}, work, alone=True)
        assert begun
        waiting = asyncio.create_task(jobs.wait(job, 600))
        await asyncio.sleep(0)
        waiting.cancel()
        assert (await jobs.wait(job, 0)).status == "running"
        gate.set()
        assert (await jobs.wait(job, 600)).result == {"status": "done"}
        await jobs.close()

    asyncio.run(scenario())


def test_one_turn_at_a_time_and_names_that_count(make: Callable[[], tuple[Jobs, Store]]) -> None:
    async def scenario() -> None:
        jobs, _ = make()
        first, begun = jobs.begin("run", "turn", {}, done, alone=True)
        second, again = jobs.begin("run", "turn", {}, done, alone=True)
        assert (begun, again, second.name) == (True, False, "turn-1")
        await jobs.wait(first, 600)
        third, _ = jobs.begin("run", "turn", {}, done, alone=True)
        assert third.name == "turn-2"
        await jobs.wait(third, 600)
        await jobs.close()

    asyncio.run(scenario())


def test_the_same_export_is_one_job_even_after_a_restart(make: Callable[[], tuple[Jobs, Store]]) -> None:
    async def scenario() -> None:
        jobs, _ = make()
        job, _ = jobs.begin("run", "export", {}, done, key="k")
        await jobs.wait(job, 600)
        await jobs.close()
        later, _ = make()
        again, begun = later.begin("run", "export", {}, done, key="k")
        assert (begun, again.name, again.result) == (False, job.name, {"status": "done", "message": "made"})
        other, begun = later.begin("run", "export", {}, done, key="other")
        assert (begun, other.name) == (True, "export-2")
        await later.wait(other, 600)
        await later.close()

    asyncio.run(scenario())


def test_failures_are_kept_with_their_class(make: Callable[[], tuple[Jobs, Store]]) -> None:
    async def scenario() -> None:
        jobs, _ = make()

        async def broke(run: Run) -> dict[str, Any]:
            raise NoCredits("No credits.", link="https://example.com/register")

        async def lost(run: Run) -> dict[str, Any]:
            raise OutcomeUnknown("Lost.")

        one, _ = jobs.begin("run", "turn", {}, broke, alone=True)
        one = await jobs.wait(one, 600)
        assert one.status == "failed"
        assert one.error is not None
        assert (one.error["code"], one.error["link"]) == ("no_credits", "https://example.com/register")
        two, _ = jobs.begin("run", "export", {}, lost, key="k")
        assert (await jobs.wait(two, 600)).status == "unknown"
        await jobs.close()

    asyncio.run(scenario())


def test_a_running_job_of_a_server_that_closed_is_taken_over_with_what_it_remembered(
    make: Callable[[], tuple[Jobs, Store]],
) -> None:
    async def scenario() -> None:
        jobs, _ = make()
        started = asyncio.Event()

        async def work(run: Run) -> dict[str, Any]:
            run.remember(render_id="render_1")
            started.set()
            await asyncio.Event().wait()
            return {}

        job, _ = jobs.begin("run", "export", {"output": "a.mp4"}, work, key="k")
        await started.wait()
        second, store = make()
        assert not second.adopt(job, work), "its owner still lives"
        await jobs.close()
        kept = store.job("run", job.name)
        assert kept is not None
        assert kept.status == "running"

        async def go_on(run: Run) -> dict[str, Any]:
            return {"status": "completed", **run.request}

        assert second.adopt(kept, go_on)
        assert not second.adopt(kept, go_on), "only one takes it over"
        result = (await second.wait(kept, 600)).result
        assert result == {"status": "completed", "output": "a.mp4", "render_id": "render_1"}
        await second.close()

    asyncio.run(scenario())


def test_a_killed_process_is_known_to_be_gone(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from game_music_maker.project.store import Owner\n"
        "owner = Owner(pathlib.Path(sys.argv[1])); owner.hold(); print(owner.id, flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        watcher = Owner(tmp_path)
        assert watcher.alive(name)
        child.kill()
        child.wait()
    assert not watcher.alive(name)


def test_cancel_ends_the_work_and_progress_is_told(make: Callable[[], tuple[Jobs, Store]]) -> None:
    async def scenario() -> None:
        jobs, _ = make()
        told = asyncio.Event()

        async def work(run: Run) -> dict[str, Any]:
            run.progress(0.5, "half way")
            await asyncio.Event().wait()
            return {}

        async def report(fraction: float | None, words: str) -> None:
            if (fraction, words) == (0.5, "half way"):
                told.set()

        job, _ = jobs.begin("run", "turn", {}, work, alone=True)
        waiting = asyncio.create_task(jobs.wait(job, 600, report))
        await told.wait()
        assert (await jobs.cancel(job)).status == "cancelled"
        assert (await waiting).status == "cancelled"
        await jobs.close()

    asyncio.run(scenario())


def test_a_waiting_caller_hears_again_though_nothing_is_new(
    make: Callable[[], tuple[Jobs, Store]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert jobs_module._NOTE_EVERY_S <= 10, "what hosts are promised"
    monkeypatch.setattr(jobs_module, "_NOTE_EVERY_S", 0.01)
    told: list[str] = []

    async def scenario() -> None:
        jobs, _ = make()
        heard = asyncio.Event()

        async def report(_: float | None, words: str) -> None:
            told.append(words)
            if len(told) == 3:
                heard.set()

        async def work(run: Run) -> dict[str, Any]:
            run.progress(None, "at it")
            await heard.wait()
            return {"status": "done"}

        job, _ = jobs.begin("run", "turn", {}, work, alone=True)
        assert (await jobs.wait(job, 600, report)).status == "done"
        await jobs.close()

    asyncio.run(scenario())
    assert told[-2:] == ["at it", "at it"]


def test_a_broken_project_list_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "projects.sqlite3").write_bytes(b"this is not a database, but long enough to look at" * 40)
    store = Store(tmp_path)
    assert store.projects() == []
    store.close()
    assert list(tmp_path.glob("projects.broken-*"))
