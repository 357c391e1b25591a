"""The last step of a render: picture packets copied, sound encoded, both in one file, and that sound
measured.

One FFmpeg process does it, fed with the mix while its limiter still runs: its loopback decoder (FFmpeg 7
and later) decodes the sound that it has just encoded into the EBU R 128 meter, so that the figures are those
of the finished file and cost no second pass.
"""

from __future__ import annotations

import contextlib
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import RenderFailed
from . import ffmpeg

if sys.platform == "linux":
    import fcntl


class Lower(NamedTuple):
    """A place where peaks have to be lower: seconds from `first_s` to `last_s`, by `db`."""

    first_s: float
    last_s: float
    db: float


class Sound(Protocol):
    """A mix at 48 kHz (`sound.mixdown.Mix`)."""

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """(first frame, samples of shape (n, 2)) from start to end, each time it is called."""
        ...

    def correct(self, louder_db: float, lower: Sequence[Lower]) -> None:
        """Aim at another loudness, with lower peaks in some places."""
        ...


CEILING_DBTP = -1.0
TOLERANCE_LU = 0.5
_AIMS_DBTP = (-1.6, -2.4, -3.2)
"""Where overshooting peaks are sent, at the first try and later: an encoder adds noise of its own there, other noise
every time; what is too low for a quarter of a second costs less than encoding all again."""
_AROUND_S = 0.08
"""How far a block of an encoder reaches beyond the tenth of a second in which it overshot."""
_TENTH = re.compile(r"\bt: *([\d.]+) .*FTPK: *((?:-?(?:[\d.]+|inf) *)+)dBFS")
_RATE = 48_000
_PIPE_BYTES = 1 << 20
_FED = ("-f", "f32le", "-ar", str(_RATE), "-ac", "2", "-i", "pipe:0")

SOUND_CODECS: dict[str, tuple[str, ...]] = {
    "mp4": ("-c:a", "aac", "-aac_coder", "fast", "-b:a", "192k", "-ar", "48000"),
    "mov": ("-c:a", "aac", "-aac_coder", "fast", "-b:a", "192k", "-ar", "48000"),
    "m4a": ("-c:a", "aac", "-b:a", "256k", "-ar", "48000"),
    "webm": ("-c:a", "libopus", "-b:a", "160k", "-ar", "48000"),
    "ogg": ("-c:a", "libvorbis", "-q:a", "6", "-ar", "48000"),
    "mp3": ("-c:a", "libmp3lame", "-q:a", "1", "-ar", "48000"),
    "flac": ("-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24", "-ar", "48000"),
    "wav": ("-c:a", "pcm_s24le", "-ar", "48000"),
}
MUXERS: dict[str, tuple[str, ...]] = {
    "mp4": ("-movflags", "+faststart", "-f", "mp4"),
    "mov": ("-movflags", "+faststart", "-f", "mov"),
    "m4a": ("-movflags", "+faststart", "-f", "ipod"),
    "webm": ("-f", "webm"),
    "ogg": ("-f", "ogg"),
    "mp3": ("-write_xing", "1", "-f", "mp3"),
    "flac": ("-f", "flac"),
    "wav": ("-f", "wav", "-rf64", "auto"),
}


@dataclass(frozen=True, slots=True)
class Levels:
    """EBU R 128 figures of a finished file: LUFS, LU, dBTP. Silence measures −70 LUFS and −inf dBTP."""

    integrated_lufs: float
    range_lu: float
    true_peak_dbtp: float

    def to_dict(self) -> dict[str, float | None]:
        peak = self.true_peak_dbtp if math.isfinite(self.true_peak_dbtp) else None
        return {"integrated_lufs": self.integrated_lufs, "range_lu": self.range_lu, "true_peak_dbtp": peak}


@dataclass(frozen=True, slots=True)
class Picture:
    """Where the picture's packets come from: input arguments, length in seconds, output options of the
    copy."""

    inputs: tuple[str, ...]
    seconds: float
    options: tuple[str, ...] = ()


def write(
    out: Path,
    format: str,
    *,
    picture: Picture | None,
    sound: Sound | None,
    seconds: float,
    target_lufs: float | None,
    title: str = "",
    progress: ffmpeg.Tick | None = None,
) -> Levels | None:
    """Write the file; mix the sound's last step and encode it again, louder or under a ceiling that is lower where the
    encoder overshot, until level and true peak hold.

    Args:
        out: file to write, replaced if it is there.
        picture: its packets are copied; None for sound alone.
        sound: already mixed and levelled; None for no sound.
        seconds: length of the picture, to which the sound is cut.
        target_lufs: wanted loudness; None leaves the level as it is (the peak still holds).

    Returns:
        the measured levels of the finished file's sound, None without sound.

    Raises:
        RenderFailed, DiskFull.
    """
    for aim in (*_AIMS_DBTP, None):
        peaks = _Peaks()
        log = _once(out, format, picture, sound, seconds, title, peaks, progress)
        if sound is None:
            return None
        levels = read_levels(log)
        louder, lower = _correction(levels, peaks.found, target_lufs, aim or 0.0)
        if aim is None or not (louder or lower):
            break
        sound.correct(louder, lower)
    return levels


class _Peaks:
    """Reads the meter's log of tenths of a second: `found`, (second at its end, dBTP) of those above `CEILING_DBTP`."""

    def __init__(self) -> None:
        self.found: list[tuple[float, float]] = []

    def hear(self, line: str) -> None:
        if match := _TENTH.search(line):
            highest = max(map(float, match[2].split()))
            if highest > CEILING_DBTP:
                self.found.append((float(match[1]), highest))


def _correction(
    levels: Levels, peaks: Sequence[tuple[float, float]], target_lufs: float | None, aim_dbtp: float
) -> tuple[float, list[Lower]]:
    """dB by which the sound has to become louder, and where its limiter's ceiling has to be lower: what the encoder
    adds to a peak, the limiter takes away there beforehand, at the same loudness."""
    if levels.integrated_lufs <= -69 or not math.isfinite(levels.true_peak_dbtp):
        return 0.0, []
    away = 0.0 if target_lufs is None else target_lufs - levels.integrated_lufs
    lower = [Lower(t - 0.1 - _AROUND_S, t + _AROUND_S, peak - aim_dbtp) for t, peak in peaks]
    if levels.true_peak_dbtp > CEILING_DBTP and not lower:  # in the last piece, shorter than a tenth, that has no line
        lower = [Lower(0.0, math.inf, levels.true_peak_dbtp - aim_dbtp)]
    return away if abs(away) > TOLERANCE_LU - 0.1 else 0.0, lower


def _once(
    out: Path,
    format: str,
    picture: Picture | None,
    sound: Sound | None,
    seconds: float,
    title: str,
    peaks: _Peaks,
    progress: ffmpeg.Tick | None,
) -> str:
    args: list[str] = ["-nostats"]
    maps: list[str] = []
    if picture is not None:
        args += picture.inputs
        maps += ["-map", "0:V:0", "-c:v", "copy", *picture.options]
    if sound is not None:
        args += _FED
        maps += ["-map", f"{int(picture is not None)}:a:0", *SOUND_CODECS[format]]
        maps += ["-t", f"{seconds:.6f}"] if picture is None else []
    named = ["-metadata", f"title={title}"] if title else []
    args += [*maps, "-map_metadata", "-1", "-map_chapters", "-1", *named, *MUXERS[format], f"file:{out}"]
    if sound is not None:
        at = int(picture is not None)
        meter = "[dec:0]ebur128=peak=true:framelog=info[meter]"
        args += ["-dec", f"0:{at}", "-filter_complex", meter, "-map", "[meter]", "-f", "null", "-"]
    saying = "The file could not be written"
    if sound is None:
        return ffmpeg.run(args, progress=progress, failure=RenderFailed, saying=saying).log
    with ffmpeg.Process(args, feed=True, on_log=peaks.hear) as process:
        _feed(process, sound, progress)
        return process.finish(RenderFailed, saying)


def _feed(process: ffmpeg.Process, sound: Sound, progress: ffmpeg.Tick | None) -> None:
    """Write the samples to the process's standard input and close it; ends early where it takes no more, of which
    `Process.finish` knows the reason."""
    assert process.stdin is not None
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # more than may be had: the usual size serves too
            fcntl.fcntl(process.stdin.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    with contextlib.suppress(BrokenPipeError):
        for at, block in sound.blocks():
            process.stdin.write(np.ascontiguousarray(block).data.cast("B"))
            if progress is not None:
                progress(at / _RATE)
        process.stdin.close()


def read_levels(log: str) -> Levels:
    """Figures of the last ``ebur128`` summary in a log.

    Raises:
        RenderFailed: there is none.
    """
    summary = log[log.rfind("Summary:") :]
    found = {key: re.search(rf"\b{key}:\s+(-?[\d.]+|-?inf|nan)", summary) for key in ("I", "LRA", "Peak")}
    if "Integrated loudness" not in summary or not found["I"]:
        raise RenderFailed("The finished sound could not be measured.")
    values = {key: float(match[1]) if match else -math.inf for key, match in found.items()}
    return Levels(values["I"], values["LRA"], values["Peak"])
