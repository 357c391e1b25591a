"""The one place that starts FFmpeg.

Every process stays in its starter's group (which is ended as a whole), has a parent-death signal where the
system has one (nothing encodes on after a `kill -9` of the worker), a clean environment, the protocols
``file`` and ``pipe`` alone, a demuxer chosen by us from the file's content, a memory ceiling and a time
limit. Its log is kept bounded and never shown to users as it is: file metadata stands in it.

The parent-death signal follows the *thread* that started the process, so a process is started by the thread
that waits for it.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from ...errors import DiskFull, MusicMakerError, RenderFailed, UnsupportedMedia
from .sniff import demuxer_of

Tick = Callable[[float], None]
"""Called with the seconds of output done so far, about five times a second; may raise to end the process."""

_LOG_LINES = 400
_LINE_BYTES = 4096
_FACTS = ("Input #", "  Duration: ", "Output #", "  Stream #", "      Display Matrix: ")
_MAX_PIXELS = 8192 * 8192
MOST_STREAMS = 64
MOST_BED_BYTES = 256 << 20
_REASONS = (
    ("exceeds max_streams", f"it has more than {MOST_STREAMS} streams"),
    ("moov atom not found", "it is cut off or was never finished"),
    ("Invalid data found", "its data is damaged"),
    ("Cannot allocate memory", "it needs more memory than is allowed"),
    ("does not contain any stream", "it holds neither picture nor sound"),
    ("matches no streams", "the stream that was asked for is not there"),
    ("Permission denied", "permission was refused"),
    ("Decoder not found", "its codec is not known"),
    ("Unknown encoder", "this FFmpeg lacks the encoder"),
    ("Unknown input format", "this FFmpeg cannot read its kind"),
    ("Could not find codec parameters", "its data is damaged"),
    ("Error opening input: End of file", "it ends before anything can be read"),
)


@functools.cache
def executable() -> str:
    """Path of the FFmpeg that came with imageio-ffmpeg (or the one named in its own variable)."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def source(path: Path | str, *options: str, demuxer: str | None = None) -> list[str]:
    """Arguments that open one media file, with the demuxer that fits its content and nothing else.

    Args:
        path: a file of ours or the user's; never read as a URL or a pattern.
        options: input options (``-ss 1.5`` …), placed before ``-i``.
        demuxer: FFmpeg's name; found from the file's first bytes where None.

    Raises:
        UnsupportedMedia: the content is none of the allowed kinds.
    """
    chosen = demuxer or demuxer_of(Path(path))
    limits = ["-protocol_whitelist", "file,pipe", "-max_streams", str(MOST_STREAMS), "-max_pixels", str(_MAX_PIXELS)]
    return [*limits, "-f", chosen, *options, "-i", f"file:{path}"]


@dataclass(frozen=True, slots=True)
class Done:
    """A process that ended well: what it wrote to standard output, and the last lines of its log."""

    stdout: bytes
    log: str


def _child_setup(parent: int, memory_mb: int, nice: int) -> Callable[[], None] | None:
    """What runs in the child before FFmpeg: die with the parent, low priority, a memory ceiling (POSIX)."""
    if sys.platform == "win32":
        return None
    import resource

    libc = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None

    def setup() -> None:
        if libc is not None:
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            if os.getppid() != parent:
                os._exit(1)
        os.nice(nice)
        if libc is not None and memory_mb:
            resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return setup


def _environment() -> dict[str, str]:
    if sys.platform != "win32":
        return {"LC_ALL": "C"}
    folder = ctypes.create_unicode_buffer(300)
    ctypes.windll.kernel32.GetWindowsDirectoryW(folder, 300)
    return {"SYSTEMROOT": folder.value}


class Process:
    """One FFmpeg process. Use as a context manager: leaving it ends the process, whatever happened. It stays in the
    group of the one that started it, and ends with that (`studio.groups`).

    Args:
        args: everything after the common options.
        timeout_s: wall seconds after which it is ended.
        memory_mb: ceiling of address space, 0 for none.
        nice: how far to step back, so that the server keeps answering.
        on_log: called with each line of the log, in another thread.
        feed: standard input is a pipe.
    """

    def __init__(
        self,
        args: Sequence[str],
        *,
        timeout_s: float = 6 * 3600.0,
        memory_mb: int = 0,
        nice: int = 5,
        on_log: Callable[[str], None] | None = None,
        feed: bool = False,
    ) -> None:
        common = [executable(), "-hide_banner", "-nostdin", "-y"]
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._facts: list[str] = []
        self._on_log = on_log
        self.timed_out = False
        self._process = subprocess.Popen(
            [*common, *args],
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            preexec_fn=_child_setup(os.getpid(), memory_mb, nice),
        )
        assert self._process.stdout is not None
        self.stdout: IO[bytes] = self._process.stdout
        self.stdin: IO[bytes] | None = self._process.stdin
        self._drain = threading.Thread(target=self._read_log, daemon=True)
        self._drain.start()
        self._limit = threading.Timer(timeout_s, self._time_out)
        self._limit.daemon = True
        self._limit.start()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._limit.cancel()
        if self.stdin is not None:
            with contextlib.suppress(OSError):
                self.stdin.close()
        self._process.wait()
        self._drain.join()
        self.stdout.close()

    def _read_log(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        with stream:
            while line := stream.readline(_LINE_BYTES):
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                self._log.append(text)
                if text.startswith(_FACTS) and len(self._facts) < _LOG_LINES:
                    self._facts.append(text)
                if self._on_log is not None:
                    self._on_log(text)

    def _time_out(self) -> None:
        self.timed_out = True
        self.kill()

    def kill(self) -> None:
        """End it at once; nothing happens if it has ended."""
        if self._process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self._process.kill()

    def finish(self, failure: type[MusicMakerError], saying: str) -> str:
        """Wait for the end and give the log.

        Raises:
            DiskFull: the disk ran full.
            failure: anything else went wrong; the sentence starts with `saying`.
        """
        code = self._process.wait()
        self._drain.join()
        log = self.log
        if self.timed_out:
            raise failure(f"{saying}: it took too long.")
        if code != 0:
            raise explain(log, failure, saying)
        return log

    @property
    def log(self) -> str:
        """The lines on streams, which a flood of warnings must not push out, then the last lines of all."""
        return "\n".join([*self._facts, *self._log])


def explain(log: str, failure: type[MusicMakerError], saying: str) -> MusicMakerError:
    """The error for a process that failed, from what its log holds; the log itself goes along as a note."""
    if "No space left on device" in log:
        return DiskFull("The disk is full.")
    reason = next((words for mark, words in _REASONS if mark in log), "FFmpeg stopped with an error")
    error = failure(f"{saying}: {reason}.")
    error.add_note(log[-2000:])
    return error


def run(
    args: Sequence[str],
    *,
    progress: Tick | None = None,
    timeout_s: float = 6 * 3600.0,
    memory_mb: int = 0,
    failure: type[MusicMakerError] = RenderFailed,
    saying: str = "The media could not be processed",
) -> Done:
    """Run FFmpeg to its end.

    Args:
        args: inputs, options and output. With `progress`, standard output carries the progress, so outputs
            are files.
        progress: called with seconds done; what it raises (`Cancelled`) ends the process and goes on up.
        failure: class of the error where the process fails.

    Raises:
        DiskFull, or `failure` with a sentence starting with `saying`.
    """
    follow = ["-nostats", "-stats_period", "0.2", "-progress", "pipe:1"] if progress else []
    with Process([*follow, *args], timeout_s=timeout_s, memory_mb=memory_mb) as process:
        if progress is None:
            out = process.stdout.read()
        else:
            out = b""
            _follow(process, progress)
        return Done(out, process.finish(failure, saying))


def _follow(process: Process, progress: Tick) -> None:
    """Read ``-progress`` lines in a thread, so that `progress` is called (and may cancel) in any case."""
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    done = 0.0
    try:
        while True:
            with contextlib.suppress(queue.Empty):
                line = lines.get(timeout=0.2)
                if line is None:
                    return
                if found := re.match(rb"out_time_us=(-?\d+)", line):
                    done = max(done, int(found[1]) / 1e6)
                elif not line.startswith(b"progress="):
                    continue
            progress(done)
    except BaseException:
        process.kill()
        raise
    finally:
        reader.join()


def read_pcm(
    path: Path | str,
    *,
    rate: int = 48_000,
    channels: int = 2,
    start_s: float = 0.0,
    length_s: float | None = None,
    tempo: float = 1.0,
    block: int = 48_000,
    bed: Path | None = None,
) -> Iterator[NDArray[np.float32]]:
    """The sound of a file, decoded in blocks, in step with its own clock (a late start becomes silence).

    Args:
        rate: samples a second of what comes out.
        channels: 1 or 2; more are folded down, mono is spread.
        start_s: seconds into the file. length_s: seconds to read, all where None (of the file's own time).
        tempo: 0.25–4, plays faster or slower at the same pitch.
        block: frames in each array but the last.
        bed: the same sound goes there too, as a 48 kHz stereo float WAV, cut off at `MOST_BED_BYTES`: decoded once
            for both.

    Yields:
        float32 arrays (n, channels), nominally −1…1 (float sources may pass that).

    Raises:
        UnsupportedMedia: not media, or its sound cannot be decoded.
    """
    options = ["-ss", f"{start_s:.6f}"] if start_s > 0 else []
    if length_s is not None:
        options += ["-t", f"{length_s:.6f}"]
    filters = "aresample=async=1:first_pts=0" + "".join(f",atempo={step:.6f}" for step in tempo_steps(tempo))
    args = ["-v", "error", "-vn", *source(path, *options), "-map", "0:a:0", "-af", filters]
    if bed is not None:
        limit = ["-fs", str(MOST_BED_BYTES)]
        args += ["-ac", "2", "-ar", "48000", "-c:a", "pcm_f32le", *limit, "-f", "wav", f"file:{bed}"]
        args += ["-map", "0:a:0", "-af", filters]
    args += ["-ac", str(channels), "-ar", str(rate), "-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"]
    size = block * channels * 4
    with Process(args) as process:
        while data := process.stdout.read(size):
            whole = len(data) - len(data) % (channels * 4)
            yield np.frombuffer(data[:whole], dtype="<f4").reshape(-1, channels)
        process.finish(UnsupportedMedia, "The sound could not be read")


def tempo_steps(tempo: float) -> list[float]:
    """`tempo` as factors of 0.5–2 each, the range in which the stretching filter sounds right."""
    steps: list[float] = []
    while tempo > 2.0:
        steps.append(2.0)
        tempo /= 2.0
    while 0 < tempo < 0.5:
        steps.append(0.5)
        tempo /= 0.5
    if abs(tempo - 1.0) > 1e-6:
        steps.append(tempo)
    return steps


def read_frames(
    path: Path | str,
    *,
    width: int,
    height: int,
    options: Sequence[str] = (),
    filters: Sequence[str] = (),
    rgb: bool = True,
    limit: int | None = None,
    timeout_s: float = 6 * 3600.0,
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Small pictures of a clip with their times.

    Args:
        width, height: size of what comes out, in pixels.
        options: input options (``-ss``, ``-t``, ``-skip_frame nokey`` …).
        filters: filters before the scaling.
        rgb: arrays (height, width, 3); (height, width) of luma where False.
        limit: stop after as many.

    Yields:
        seconds from the start of what was read, and the picture.

    Raises:
        UnsupportedMedia: the picture cannot be decoded.
    """
    times: queue.SimpleQueue[float] = queue.SimpleQueue()

    def note(line: str) -> None:
        if "Parsed_showinfo" in line and (found := re.search(r"pts_time:\s*(-?[\d.]+)", line)):
            times.put(float(found[1]))

    scale = f"scale={width}:{height}:flags=fast_bilinear,format={'rgb24' if rgb else 'gray'}"
    chain = ",".join([*filters, scale, "showinfo=checksum=0"])
    count = ["-frames:v", str(limit)] if limit else []
    args = ["-nostats", "-an", *source(path, *options), "-map", "0:V:0", "-vf", chain, *count]
    args += ["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
    shape = (height, width, 3) if rgb else (height, width)
    size = height * width * (3 if rgb else 1)
    with Process(args, on_log=note, timeout_s=timeout_s) as process:
        while len(data := process.stdout.read(size)) == size:
            yield times.get(timeout=60), np.frombuffer(data, np.uint8).reshape(shape)
        process.finish(UnsupportedMedia, "The picture could not be read")
