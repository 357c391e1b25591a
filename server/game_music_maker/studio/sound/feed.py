"""The sounds of a mix, read piece by piece at the mix's own rate, each at its place with its level and fades."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ...errors import UnsupportedMedia
from ..picture import ffmpeg

Floats = NDArray[np.float32]

RATE = 48_000
EDGE_S = 0.005
"""Every sound that starts or ends inside the mix gets at least this much of a fade: no clicks."""


@dataclass(frozen=True, slots=True)
class MixInput:
    """One sound in a mix.

    Attributes:
        path: a media file. start_s: where it starts in the mix. in_s: where in the file. length_s: seconds of the mix
            that it fills; a file that ends sooner is followed by silence, or by itself where `repeat` is set.
        gain_db: level. fade_in_s, fade_out_s: at its ends.
        duck_db: how far it goes down, in dB ≥ 0, while the original sound speaks.
        is_original: it is the clip's own sound: others may duck under it.
        speed: 0.25–4; it plays `length_s · speed` seconds of the file.
    """

    path: Path
    start_s: float
    length_s: float
    in_s: float = 0.0
    gain_db: float = 0.0
    fade_in_s: float = 0.0
    fade_out_s: float = 0.0
    duck_db: float = 0.0
    is_original: bool = False
    speed: float = 1.0
    repeat: bool = False


class Feed:
    """Reads one input along the mix: `add` puts its next frames into a block. `edge_s`: the least fade at its ends."""

    def __init__(self, source: MixInput, edge_s: float = EDGE_S) -> None:
        self.input = source
        self._edge_s = edge_s
        self.first = round(source.start_s * RATE)
        self._length = max(0, round(source.length_s * RATE))
        self._blocks: Iterator[Floats] | None = None
        self._rest = np.zeros((0, 2), np.float32)
        self._done = 0

    def add(self, block: Floats, at: int) -> bool:
        """Add what sounds in frames `at` … `at + len(block)` of the mix to `block`, shape (n, 2). True if anything may.

        Calls go forward without gaps.

        Raises:
            UnsupportedMedia: the file has no sound that can be decoded.
        """
        low, high = max(at, self.first), min(at + len(block), self.first + self._length)
        if low >= high:
            return False
        found = self._take(high - low)
        if len(found):
            block[low - at : low - at + len(found)] += found * self._level(low - self.first, len(found))
        return True

    def _take(self, n: int) -> Floats:
        pieces, have = [self._rest], len(self._rest)
        if self._blocks is None:
            self._blocks = self._open()
        while have < n:
            piece = next(self._blocks, None)
            if piece is None:
                if not self.input.repeat or not self._done + have:
                    break
                self._blocks = self._open(self._done + have)
                self._done = -have
                continue
            pieces.append(piece)
            have += len(piece)
        joined = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
        self._rest = joined[n:]
        self._done += min(n, have)
        return joined[:n]

    def _open(self, again: int = 0) -> Iterator[Floats]:
        source = self.input
        start = 0.0 if again else source.in_s
        if source.speed == 1.0 and _plain_wave(source.path):
            return _wave_blocks(source.path, round(start * RATE), None)
        return ffmpeg.read_pcm(
            source.path, rate=RATE, start_s=start, length_s=source.length_s * source.speed, tempo=source.speed
        )

    def _level(self, offset: int, n: int) -> Floats:
        """The fades and the gain at frames `offset` … of the input, shape (n, 1)."""
        source = self.input
        curve = np.full(n, 10 ** (source.gain_db / 20), np.float32)
        rise = min(self._length / 2, max(self._edge_s, source.fade_in_s) * RATE)
        fall = min(self._length / 2, max(self._edge_s, source.fade_out_s) * RATE)
        t = np.arange(offset, offset + n, dtype=np.float32)
        if offset < rise:
            curve *= _curve(t / max(1.0, rise), source.fade_in_s)
        if offset + n > self._length - fall:
            curve *= _curve((self._length - t) / max(1.0, fall), source.fade_out_s)
        return curve[:, None]


def _curve(x: Floats, seconds: float) -> Floats:
    """A fade's shape: raised cosine, which starts and arrives without a corner."""
    x = np.clip(x, 0, 1)
    found: Floats = (0.5 - 0.5 * np.cos(np.pi * x)).astype(np.float32)
    return found if seconds > 0 else np.sqrt(found)


def _plain_wave(path: Path) -> bool:
    """A WAV or FLAC at our own rate with one or two channels can be read without another process."""
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError:
        return False
    return bool(info.format in ("WAV", "WAVEX", "FLAC", "RF64") and info.samplerate == RATE and info.channels <= 2)


def _wave_blocks(path: Path, first: int, frames: int | None) -> Iterator[Floats]:
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(min(first, file.frames))
            for block in file.blocks(RATE, frames=-1 if frames is None else frames, dtype="float32", always_2d=True):
                yield block if block.shape[1] == 2 else np.repeat(block, 2, axis=1)
    except soundfile.LibsndfileError:
        raise UnsupportedMedia("The sound could not be read: its data is damaged.") from None
