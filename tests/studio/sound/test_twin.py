"""Half of the playing in a second process: the same samples whoever plays, and nothing left over."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from game_music_maker.studio.sound import twin
from game_music_maker.studio.sound.play import play

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine with two cores; the ids of the copies that were made."""
    made: list[int] = []
    fork = os.fork

    def noted() -> int:
        pid = fork()
        if pid:
            made.append(pid)
        return pid

    monkeypatch.setattr(twin, "possible", lambda: True)
    monkeypatch.setattr(os, "fork", noted)
    return made


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(("loop", "intro"), [(False, 0), (True, 0), (True, 4)])
def test_the_halves_give_the_same_samples_in_one_process_or_two(bank, band, two_cores, loop: bool, intro: int) -> None:
    score = band(bars=2, loop=loop, intro=intro)
    alone = play(score, bank, stems=False)
    assert not two_cores
    beside = play(score, bank, stems=False, beside=True)
    assert [gone(pid) for pid in two_cores] == [True]
    assert np.array_equal(beside.mix, alone.mix)
    assert beside.levels == alone.levels
    assert beside.levels.keys() == {part.id for part in score.parts}


def test_a_copy_that_dies_costs_nothing_but_time(bank, band, two_cores, monkeypatch: pytest.MonkeyPatch) -> None:
    score = band(bars=2)
    alone = play(score, bank, stems=False)
    result = twin.Twin.result

    def killed(self: twin.Twin) -> object:
        os.kill(two_cores[0], signal.SIGKILL)
        return result(self)

    monkeypatch.setattr(twin.Twin, "result", killed)
    assert np.array_equal(play(score, bank, stems=False, beside=True).mix, alone.mix)
    assert gone(two_cores[0])


def test_an_end_in_the_middle_ends_the_copy(bank, band, two_cores) -> None:
    def stop(share: float, stage: str) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        play(band(bars=2), bank, stems=False, beside=True, progress=stop)
    assert gone(two_cores[0])


def test_a_score_without_a_lead_keeps_nobody_waiting(bank, band, two_cores) -> None:
    score = band(bars=2)
    score = replace(
        score,
        parts=tuple(part for part in score.parts if part.role != "lead"),
        notes=tuple(note for note in score.notes if note.part != "lead"),
    )
    beside = play(score, bank, stems=False, beside=True)
    assert np.array_equal(beside.mix, play(score, bank, stems=False).mix)
    assert beside.mix.any()


def test_a_killed_worker_takes_its_copy_along() -> None:
    script = (
        "import time\n"
        "from game_music_maker.studio.sound.twin import Twin\n"
        "with Twin(lambda hear: time.sleep(60)):\n"
        "    print('made', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "made\n"
        # Its end closes the pipe that it inherited: the reading ends when both are gone.
        os.kill(worker.pid, signal.SIGKILL)
        assert select.select([worker.stdout], [], [], 20.0)[0], "the copy went on"
