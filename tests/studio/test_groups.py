"""An encoder ends with the worker that runs it, also where the kernel has no parent-death signal (macOS)."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from game_music_maker.studio.groups import end_group

LIMIT_S = 30
WORKER = """
import sys
from game_music_maker.studio import groups
from game_music_maker.studio.picture import ffmpeg
ffmpeg.executable()
sys.platform = "darwin"  # no parent-death signal is asked for
endless = ["-re", "-f", "lavfi", "-i", "anullsrc", "-f", "null", "-"]
with ffmpeg.Process(endless) as process:
    print(process._process.pid, flush=True)
    sys.stdin.read()
    groups.leave()
"""


def _end_from_outside(worker: subprocess.Popen[str]) -> None:
    end_group(worker.pid)


def _end_of_input(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.close()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the end of a grandchild is seen by pidfd_open")
@pytest.mark.parametrize("end", [_end_from_outside, _end_of_input], ids=["cancelled", "left behind"])
def test_the_encoder_ends_with_its_worker(end: Callable[[subprocess.Popen[str]], None]) -> None:
    command = [sys.executable, "-c", WORKER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as worker:
        assert worker.stdout is not None
        encoder = int(worker.stdout.readline())
        seen = os.pidfd_open(encoder)
        try:
            end(worker)
            assert select.select([seen], [], [], LIMIT_S)[0], "the encoder still runs"
        finally:
            if not select.select([seen], [], [], 0)[0]:
                os.kill(encoder, signal.SIGKILL)
            os.close(seen)
            worker.kill()
