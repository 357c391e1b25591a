"""The sound under a picture: original sound and music mixed with ducking, at a wanted loudness, in bounded memory.

Walks over spool files of 32-bit samples, a second at a time: the original sound goes in while its levels are noted; the
other sounds follow, ducked by the curve that follows from them, on a spool of their own; where speech would still not
stand above them, they go down further as they are joined and measured; gain and limiter bring the whole to its loudness
as it is read. Only what is noted per 10 ms stays in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soundfile
from numpy.typing import NDArray

from ...errors import DiskFull
from . import duck, loudness, windows
from .dsp import db
from .feed import EDGE_S, RATE, Feed, MixInput
from .limiter import Limiter

Floats = NDArray[np.float32]
Progress = Callable[[float, str], None]

_BLOCK = RATE
_TENTH = RATE // 10
_HOP = round(duck.HOP_S * RATE)
_FADE_IN = round(0.005 * RATE)
_MOST_GAIN_DB = 36.0
_MOST_LIMITING_DB = 30.0
_ESTIMATED_DB = 3.0
"""Limiting up to which the estimate of the loudness behind it is good."""


@dataclass(frozen=True, slots=True)
class MixReport:
    """What a mix came to.

    Attributes:
        loudness: measured on the finished samples. gain_db: what brought the mix there. limiting_db: the limiter's
            deepest gain.
        ducked_s: seconds in which the original wanted to be heard over a ducked sound. duck_db: how far the ducked
            sounds went down there by the depth asked for, measured; None without any. over_music_lu: original above
            music there. speech_over_lu: speech above music in the spans that sound like speech; None without any.
            deeper_db: the most by which the ducked sounds went down further, so that speech stands above them.
        silent: nothing sounds at all.
    """

    loudness: loudness.Loudness
    gain_db: float
    limiting_db: float
    ducked_s: float
    duck_db: float | None
    over_music_lu: float | None
    silent: bool
    speech_over_lu: float | None = None
    deeper_db: float = 0.0


@contextmanager
def mixed(
    inputs: Sequence[MixInput],
    seconds: float,
    folder: Path,
    *,
    target_lufs: float = -14.0,
    ceiling_dbtp: float = -2.0,
    seamless: bool = False,
    progress: Progress | None = None,
) -> Iterator[Mix]:
    """Mix `inputs` to exactly `seconds` of 48 kHz stereo, on spools in `folder` that go with the context.

    Args:
        target_lufs: integrated loudness of the result; a silent mix stays silent.
        ceiling_dbtp: highest true peak; leave about 1 dB for a lossy encoder.
        seamless: the result is to be repeated: nothing is faded at its ends, and the limiter wraps around them.
        progress: told (share, stage); may raise `Cancelled`.

    Raises:
        UnsupportedMedia: an input has no sound that can be decoded.
        DiskFull: there is no room for the spool or the result.
    """
    tell = progress or (lambda share, stage: None)
    frames = max(1, round(seconds * RATE))
    try:
        with _spool(folder) as first, _spool(folder) as second:
            mixer = _Mixer(_Tape(first, frames), _Tape(second, frames), tell, seamless)
            edge = 0.0 if seamless else EDGE_S
            mixer.originals([Feed(i, edge) for i in inputs if i.is_original])
            mixer.others([Feed(i, edge) for i in inputs if not i.is_original])
            yield mixer.finish(target_lufs, ceiling_dbtp)
    except OSError as error:
        if error.errno == 28:
            raise DiskFull("The disk is full.") from None
        raise


def _spool(folder: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder, buffering=0)  # a context of its own


class Mix:
    """A mix at its loudness: its `frames`, read as often as one likes."""

    def __init__(self, mixer: _Mixer, energy: NDArray[np.float64], target_lufs: float, ceiling_dbtp: float) -> None:
        """`energy`: K-weighted power of each tenth of a second before gain and limiter."""
        self._mixer, self._energy = mixer, energy
        self._target, self._ceiling = target_lufs, ceiling_dbtp
        self.frames = mixer.tape.frames
        self._gain_db: float = 0.0
        self._limiter: Limiter | None = None
        self._lower: list[tuple[float, float, float]] = []
        self.correct(0.0, ())

    def correct(self, louder_db: float, lower: Sequence[tuple[float, float, float]]) -> None:
        """Aim again: at a loudness `louder_db` higher, with lower peaks in some places, besides those of earlier calls:
        (from, to in seconds, by dB). Silence stays as it is."""
        self._target += louder_db
        self._lower += lower
        if loudness.gated(self._energy) > loudness.SILENCE:
            self._gain_db, self._limiter = self._mixer.aim(self._energy, self._target, self._ceiling, self._lower)

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """(first frame, samples of shape (n, 2)), from the start to the end."""
        tape = self._mixer.tape
        for at, n in tape.blocks():
            block = tape.read(at, at + n)
            block *= np.float32(db(self._gain_db))
            if self._limiter is not None:
                self._limiter.apply(block, at)
            yield at, block

    def save(self, path: Path) -> Path:
        """Write it as a WAV (24 bit)."""
        with soundfile.SoundFile(path, "w", RATE, 2, "PCM_24", format="WAV") as file:
            for _, block in self.blocks():
                file.write(block)
        return path

    def report(self, found: loudness.Loudness) -> MixReport:
        """What it came to, with the loudness that was `found` on its samples."""
        return self._mixer.report(found, self._gain_db, self._limiter)


class _Tape:
    """Stereo float samples in a file, silent at first. Read and written by pieces: a map would count as memory."""

    def __init__(self, file: IO[bytes], frames: int) -> None:
        file.truncate(frames * 8)
        self._file, self.frames = file, frames

    def read(self, first: int, last: int) -> Floats:
        found = np.empty((last - first, 2), np.float32)
        self._file.seek(first * 8)
        self._file.readinto(found.data.cast("B"))  # type: ignore[attr-defined]  # of an unbuffered file
        return found

    def write(self, first: int, block: Floats) -> None:
        self._file.seek(first * 8)
        self._file.write(np.ascontiguousarray(block).data.cast("B"))

    def blocks(self) -> Iterator[tuple[int, int]]:
        """(first frame, frames) of each block."""
        return ((at, min(_BLOCK, self.frames - at)) for at in range(0, self.frames, _BLOCK))


class _Ear:
    """K-weighted power of each tenth of a second: of the middle, scaled to both ears by their plain powers."""

    def __init__(self) -> None:
        self._meter = loudness.Meter(RATE, 1, peaks=False)
        self._both: list[float] = []

    def feed(self, block: Floats, mono: Floats) -> None:
        """`block`: shape (n, 2), whole tenths but for the last; `mono` its mean, shape (n,)."""
        self._meter.feed(mono[:, None])
        whole = len(block) // _TENTH
        ears, middle = (x[: whole * _TENTH].reshape(whole, _TENTH * x.ndim) for x in (block, mono))
        self._both += (np.vecdot(ears, ears) / np.maximum(np.vecdot(middle, middle), 1e-9)).tolist()

    @property
    def energies(self) -> NDArray[np.float64]:
        found = self._meter.energies
        return np.asarray(found * np.array(self._both[: len(found)]))


class _Mixer:
    def __init__(self, tape: _Tape, under: _Tape, tell: Progress, seamless: bool) -> None:
        """`tape` holds the originals and the finished mix, `under` the sounds that are ducked."""
        self.tape, self._under, self._tell, self._seamless = tape, under, tell, seamless
        self._curve = np.zeros(0, np.float32)
        self._wants = duck.Wants(np.zeros(0, bool))
        self._deeper = np.zeros(0, np.float32)
        self._original, self._music = _Ear(), _Ear()
        self._down: list[float] = []

    def originals(self, feeds: list[Feed]) -> None:
        """The clip's own sound onto the tape; what it asks of the others is known afterwards."""
        if not feeds:
            return
        listener = duck.Listener(RATE)
        for at, n in self.tape.blocks():
            self._tell(0.4 * at / self.tape.frames, "reading sound")
            block = np.zeros((n, 2), np.float32)
            sounding = [feed.add(block, at) for feed in feeds]
            if any(sounding):
                self.tape.write(at, block)
            mono = _middle(block)
            listener.feed(mono)
            self._original.feed(block, mono)
        self._wants = listener.wants()
        self._curve = duck.curve(self._wants.active)

    def others(self, feeds: list[Feed]) -> None:
        """Music and other sounds, each ducked by its own depth."""
        if not feeds:
            return
        ducks = bool(self._curve.any()) and any(feed.input.duck_db > 0 for feed in feeds)
        for at, n in self.tape.blocks():
            self._tell(0.4 + 0.3 * at / self.tape.frames, "mixing")
            block = self.tape.read(at, at + n)
            under = np.zeros((n, 2), np.float32)
            was = np.zeros(-(-n // _TENTH))
            for feed in feeds:
                if ducks and feed.input.duck_db > 0:
                    was += self._ducked(feed, under, at)
                else:
                    feed.add(block, at)
            self.tape.write(at, block)
            if ducks:
                self._note(under, was)
                self._under.write(at, under)
        if ducks:
            self._deeper = duck.deepening(self._wants, self._original.energies, self._music.energies)

    def _ducked(self, feed: Feed, under: Floats, at: int) -> NDArray[np.float64]:
        """Add a feed's next piece, ducked; its power in each tenth of a second as it was."""
        piece = np.zeros_like(under)
        if not feed.add(piece, at):
            return np.zeros(-(-len(under) // _TENTH))
        power = _tenths(piece)
        down = windows.lines(self._curve, _HOP, at, len(under))
        if down.any():
            piece *= np.exp2(down * np.float32(-feed.input.duck_db / 6.0206))[:, None]
        under += piece
        return power

    def _note(self, under: Floats, was: NDArray[np.float64]) -> None:
        """Remember the ducked sounds' loudness, and how far each tenth of a second went down."""
        self._music.feed(under, _middle(under))
        self._down += np.where(was > 0, _tenths(under) / np.maximum(was, 1e-12), 1.0).tolist()

    def finish(self, target_lufs: float, ceiling_dbtp: float) -> Mix:
        """The ducked sounds joined to the others, as far down as speech needs them; then gain and limiter."""
        meter = loudness.Meter(RATE, peaks=False)
        for at, n in self.tape.blocks():
            self._tell(0.7 + 0.2 * at / self.tape.frames, "measuring")
            block = self.tape.read(at, at + n)
            if self._down:
                block += self._joining(at, n)
            if not self._seamless and at == 0:
                k = min(_FADE_IN, n)
                block[:k] *= np.linspace(0, 1, k, dtype=np.float32)[:, None]
            if self._down or at == 0:
                self.tape.write(at, block)
            meter.feed(block)
        self._tell(0.92, "measuring")
        return Mix(self, meter.energies, target_lufs, ceiling_dbtp)

    def _joining(self, at: int, n: int) -> Floats:
        under = self._under.read(at, at + n)
        if self._deeper.any():
            under *= np.exp2(windows.lines(self._deeper, _HOP, at, n) * np.float32(-1 / 6.0206))[:, None]
        return under

    def aim(
        self, energy: NDArray[np.float64], target: float, ceiling: float, lower: Sequence[tuple[float, float, float]]
    ) -> tuple[float, Limiter]:
        """The gain that gives the loudness after the limiter, and the limiter for it."""
        limiter = Limiter(self.tape.read, self.tape.frames, RATE, wrap=self._seamless)
        for first, last, by in lower:
            limiter.lower(round(first * RATE), round(min(last * RATE, self.tape.frames)), by)
        gain = min(_MOST_GAIN_DB, target - loudness.gated(energy))
        for _ in range(12):
            limiter.aim(gain, ceiling)
            squeezed = energy * limiter.powers(round(RATE / 10), len(energy))
            miss = target - (loudness.gated(squeezed) + gain)
            if abs(miss) < 0.1 or limiter.deepest_db < -_MOST_LIMITING_DB or gain + miss > _MOST_GAIN_DB:
                break
            gain += miss
        # The estimate spreads a tenth of a second's power evenly; where peaks hold it, only measuring tells.
        for _ in range(4 if limiter.deepest_db < -_ESTIMATED_DB else 0):
            miss = target - self._limited(gain, limiter)
            if abs(miss) < 0.2:
                break
            gain = min(_MOST_GAIN_DB, gain + miss)
            limiter.aim(gain, ceiling)
        return gain, limiter

    def _limited(self, gain: float, limiter: Limiter) -> float:
        """Integrated loudness at `gain` behind the limiter."""
        meter = loudness.Meter(RATE, peaks=False)
        for at, n in self.tape.blocks():
            block = self.tape.read(at, at + n)
            block *= np.float32(db(gain))
            limiter.apply(block, at)
            meter.feed(block)
        return loudness.gated(meter.energies)

    def report(self, found: loudness.Loudness, gain: float, limiter: Limiter | None) -> MixReport:
        """See `Mix.report`."""
        silent, limiting = limiter is None, limiter.deepest_db if limiter else 0.0
        if not self._down:
            return MixReport(found, gain, limiting, 0.0, None, None, silent)
        active, own, music = self._wants.active, self._original.energies, self._music.energies
        count = min(len(music), len(own), len(self._down), len(active) // 10)
        ducked, own = music[:count], own[:count]
        deeper = self._deeper[: count * 10].reshape(-1, 10).mean(axis=1) if len(self._deeper) else np.zeros(count)
        heard = ducked * 10 ** (-deeper / 10)
        mask = active[: count * 10].reshape(-1, 10).all(axis=1) & (ducked > 1e-9)
        said = np.zeros(count, bool)
        for start, end in self._wants.speech:
            said[round(start * 10) : round(end * 10)] = True
        depth = over = words = None
        if mask.any():
            before = ducked / np.maximum(np.array(self._down[:count]), 1e-12)
            depth, over = _ratio(before[mask], ducked[mask]), _ratio(own[mask], heard[mask])
        if said.any() and heard[said].any():
            words = _ratio(own[said], heard[said])
        seconds = float(active.sum()) * duck.HOP_S
        return MixReport(found, gain, limiting, seconds, depth, over, silent, words, float(deeper.max(initial=0.0)))


def _tenths(piece: Floats) -> NDArray[np.float64]:
    """Power of each tenth of a second, the last one shorter, shape (tenths,)."""
    whole = len(piece) // _TENTH
    cut, rest = piece[: whole * _TENTH].reshape(whole, 2 * _TENTH), piece[whole * _TENTH :].ravel()
    found = np.vecdot(cut, cut).astype(np.float64)
    return np.append(found, float(np.vdot(rest, rest))) if len(rest) else found


def _middle(block: Floats) -> Floats:
    """The mean of both ears, shape (n,): numpy's own mean along so short an axis takes forty times as long."""
    found: Floats = (block[:, 0] + block[:, 1]) * np.float32(0.5)
    return found


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(10 * np.log10(max(a.sum(), 1e-12) / max(b.sum(), 1e-12)))
