"""FFmpeg behind its one door: it ends when it should, says what went wrong, and reads what it is given."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from game_music_maker.errors import Cancelled, DiskFull, RenderFailed, UnsupportedMedia
from game_music_maker.studio.picture import ffmpeg as door

ENDLESS = ["-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30", "-f", "null", "-"]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and the parent-death signal")


def _children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@linux
def test_a_cancelled_run_leaves_no_process_behind() -> None:
    seen: list[int] = []
    others = set(_children(os.getpid()))

    def cancel(_done: float) -> None:
        seen.extend(set(_children(os.getpid())) - others)
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        door.run(ENDLESS, progress=cancel)
    assert seen
    assert not any(_alive(pid) for pid in seen)


@linux
def test_nothing_encodes_on_after_kill_minus_nine_of_its_parent() -> None:
    code = (
        "from game_music_maker.studio.picture import ffmpeg as door\n"
        f"door.run({ENDLESS!r}, progress=lambda done: print('tick', flush=True))\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    with worker.stdout:
        assert worker.stdout.readline() == b"tick\n"
        (child,) = _children(worker.pid)
        watch = os.pidfd_open(child)
        try:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            ended, _, _ = select.select([watch], [], [], 20)
        finally:
            os.close(watch)
    assert ended, "FFmpeg outlived its parent"


def test_the_time_limit_ends_the_process_and_says_so() -> None:
    with pytest.raises(RenderFailed, match="took too long"):
        door.run(ENDLESS, timeout_s=0.3)


def test_progress_reaches_the_length_and_never_goes_back(tmp_path: Path) -> None:
    told: list[float] = []
    source = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=30:d=4"]
    door.run([*source, f"file:{tmp_path / 'a.mp4'}"], progress=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(4.0, abs=0.1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named() -> None:
    with pytest.raises(DiskFull, match="disk is full"):
        door.run(["-f", "lavfi", "-i", "testsrc2=s=320x180:d=2", "-f", "rawvideo", "file:/dev/full"])


def test_sound_is_read_at_the_wanted_rate_from_the_wanted_place(media: Any) -> None:
    clip = media.clip(["black"], 4, sound="odd")
    whole = np.concatenate(list(door.read_pcm(clip)))
    assert whole.shape[1] == 2
    assert len(whole) == pytest.approx(4 * 48_000, abs=2_500)
    part = np.concatenate(list(door.read_pcm(clip, start_s=1.5, length_s=1.0, channels=1)))
    assert part.shape == (48_000, 1)
    spectrum = np.abs(np.fft.rfft(part[:, 0]))
    assert spectrum.argmax() == pytest.approx(330, abs=2)


def test_speed_keeps_the_pitch_and_changes_the_length(media: Any) -> None:
    clip = media.clip(["black"], 4, sound="tone")
    fast = np.concatenate(list(door.read_pcm(clip, tempo=2.5, channels=1)))
    assert len(fast) == pytest.approx(4 / 2.5 * 48_000, rel=0.03)
    middle = fast[24_000:48_000, 0]
    assert np.abs(np.fft.rfft(middle)).argmax() * 2 == pytest.approx(440, abs=4)


def test_sound_that_starts_late_stays_in_step(media: Any, ffmpeg: Any, tmp_path: Path) -> None:
    clip = media.clip(["black"], 3, sound="tone")
    late = tmp_path / "late.mkv"
    ffmpeg("-i", clip, "-itsoffset", "1.0", "-i", clip, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    sound = np.concatenate(list(door.read_pcm(late, channels=1)))[:, 0]
    first = int(np.argmax(np.abs(sound) > 0.01)) / 48_000
    assert first == pytest.approx(1.0, abs=0.03)


def test_frames_come_with_their_times(media: Any) -> None:
    clip = media.clip(["red", "blue"], 1.0, sound=None)
    found = list(door.read_frames(clip, width=16, height=9))
    assert len(found) == 60
    times = [t for t, _ in found]
    assert times == pytest.approx([i / 30 for i in range(60)], abs=1e-3)
    assert found[29][1][4, 8, 0] > 150 > found[29][1][4, 8, 2]
    assert found[30][1][4, 8, 2] > 150 > found[30][1][4, 8, 0]


def test_damaged_media_is_the_files_fault(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"\x11" * 4000)
    with pytest.raises(UnsupportedMedia, match="could not be read"):
        list(door.read_pcm(broken))


def test_no_protocol_but_files_can_be_opened(tmp_path: Path) -> None:
    with pytest.raises(RenderFailed):
        door.run([*door.source(tmp_path / "x", demuxer="concat"), "-f", "null", "-"])
    list_file = tmp_path / "list.txt"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        list_file.write_text(f"ffconcat version 1.0\nfile 'http://127.0.0.1:{listener.getsockname()[1]}/x.mp4'\n")
        with pytest.raises(RenderFailed):
            door.run([*door.source(list_file, "-safe", "0", demuxer="concat"), "-f", "null", "-"], timeout_s=10)
        with pytest.raises(BlockingIOError):
            listener.accept()
