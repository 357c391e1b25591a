"""The sound under a picture: original sound and music mixed with ducking, at a wanted loudness, in bounded memory.

Walks over spool files of 32-bit samples, a second at a time: the original sound goes in while its levels are noted; the
other sounds follow, ducked by the curve that follows from them, on a spool of their own; where speech would still not
stand above them, they go down further as they are joined; gain and limiter bring the whole to its loudness. Only what
is noted per 10 ms stays in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soundfile
from numpy.typing import NDArray

from ...errors import DiskFull
from . import duck, loudness
from .dsp import db
from .feed import EDGE_S, RATE, Feed, MixInput
from .limiter import Limiter

Floats = NDArray[np.float32]
Progress = Callable[[float, str], None]

_BLOCK = RATE
_TENTH = RATE // 10
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


def mixdown(
    inputs: Sequence[MixInput],
    seconds: float,
    out_wav: Path,
    *,
    target_lufs: float = -14.0,
    ceiling_dbtp: float = -2.0,
    seamless: bool = False,
    progress: Progress | None = None,
) -> MixReport:
    """Mix `inputs` to a 48 kHz stereo WAV (24 bit) of exactly `seconds`.

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
        with tempfile.TemporaryFile(dir=out_wav.parent) as spool, tempfile.TemporaryFile(dir=out_wav.parent) as second:
            mixer = _Mixer(_Tape(spool, frames), _Tape(second, frames), tell, seamless)
            edge = 0.0 if seamless else EDGE_S
            mixer.originals([Feed(i, edge) for i in inputs if i.is_original])
            mixer.others([Feed(i, edge) for i in inputs if not i.is_original])
            return mixer.finish(out_wav, target_lufs, ceiling_dbtp)
    except OSError as error:
        if error.errno == 28:
            raise DiskFull("The disk is full.") from None
        raise


class _Tape:
    """Stereo float samples in a file, silent at first. Read and written by pieces: a map would count as memory."""

    def __init__(self, file: IO[bytes], frames: int) -> None:
        file.truncate(frames * 8)
        self._file, self.frames = file, frames

    def read(self, first: int, last: int) -> Floats:
        self._file.seek(first * 8)
        raw = bytearray(self._file.read((last - first) * 8))
        return np.frombuffer(raw, np.float32).reshape(-1, 2)

    def write(self, first: int, block: Floats) -> None:
        self._file.seek(first * 8)
        self._file.write(block.tobytes())

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
        for at in range(0, len(block) // _TENTH * _TENTH, _TENTH):
            ears, middle = block[at : at + _TENTH], mono[at : at + _TENTH]
            self._both.append(float(np.vdot(ears, ears)) / max(float(np.vdot(middle, middle)), 1e-9))

    @property
    def energies(self) -> NDArray[np.float64]:
        found = self._meter.energies
        return np.asarray(found * np.array(self._both[: len(found)]))


class _Mixer:
    def __init__(self, tape: _Tape, under: _Tape, tell: Progress, seamless: bool) -> None:
        """`tape` holds the originals and the finished mix, `under` the sounds that are ducked."""
        self._tape, self._under, self._tell, self._seamless = tape, under, tell, seamless
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
        for at, n in self._tape.blocks():
            self._tell(0.4 * at / self._tape.frames, "reading sound")
            block = np.zeros((n, 2), np.float32)
            sounding = [feed.add(block, at) for feed in feeds]
            if any(sounding):
                self._tape.write(at, block)
            mono = block.mean(axis=1)
            listener.feed(mono)
            self._original.feed(block, mono)
        self._wants = listener.wants()
        self._curve = duck.curve(self._wants.active)

    def others(self, feeds: list[Feed]) -> None:
        """Music and other sounds, each ducked by its own depth."""
        if not feeds:
            return
        ducks = bool(self._curve.any()) and any(feed.input.duck_db > 0 for feed in feeds)
        for at, n in self._tape.blocks():
            self._tell(0.4 + 0.3 * at / self._tape.frames, "mixing")
            block = self._tape.read(at, at + n)
            under = np.zeros((n, 2), np.float32)
            was = np.zeros(-(-n // _TENTH))
            for feed in feeds:
                if ducks and feed.input.duck_db > 0:
                    was += self._ducked(feed, under, at)
                else:
                    feed.add(block, at)
            self._tape.write(at, block)
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
        piece *= self._gain(at, len(under), feed.input.duck_db)
        under += piece
        return power

    def _note(self, under: Floats, was: NDArray[np.float64]) -> None:
        """Remember the ducked sounds' loudness, and how far each tenth of a second went down."""
        self._music.feed(under, under.mean(axis=1))
        self._down += np.where(was > 0, _tenths(under) / np.maximum(was, 1e-12), 1.0).tolist()

    def _join(self) -> None:
        """The ducked sounds onto the tape, as far down as speech needs them."""
        if not self._down:
            return
        for at, n in self._tape.blocks():
            under = self._under.read(at, at + n)
            if self._deeper.any():
                under *= np.exp2(self._along(self._deeper, at, n) * np.float32(-1 / 6.0206))
            self._tape.write(at, self._tape.read(at, at + n) + under)

    def _gain(self, at: int, n: int, depth: float) -> Floats:
        return np.asarray(10 ** (-depth / 20 * self._along(self._curve, at, n)), np.float32)

    def _along(self, curve: Floats, at: int, n: int) -> Floats:
        """A curve's values at frames `at` … `at + n`, shape (n, 1)."""
        hop = duck.HOP_S * RATE
        place = (np.arange(at, at + n) - hop / 2) / hop
        first = max(0, int(place[0]))
        near = curve[first : int(place[-1]) + 3]
        found = np.interp(place, np.arange(first, first + len(near)), near)
        return np.asarray(found, np.float32)[:, None]

    def finish(self, out_wav: Path, target_lufs: float, ceiling_dbtp: float) -> MixReport:
        """Gain and limiter, then the file."""
        self._join()
        if not self._seamless:
            start = self._tape.read(0, min(_FADE_IN, self._tape.frames))
            self._tape.write(0, start * np.linspace(0, 1, len(start), dtype=np.float32)[:, None])
        meter = loudness.Meter(RATE, peaks=False)
        for at, n in self._tape.blocks():
            self._tell(0.7 + 0.1 * at / self._tape.frames, "measuring")
            meter.feed(self._tape.read(at, at + n))
        energy = meter.energies
        silent = loudness.gated(energy) <= loudness.SILENCE
        gain, limiter = self._aim(energy, target_lufs, ceiling_dbtp) if not silent else (0.0, None)
        final = loudness.Meter(RATE)
        with soundfile.SoundFile(out_wav, "w", RATE, 2, "PCM_24", format="WAV") as file:
            for at, n in self._tape.blocks():
                self._tell(0.85 + 0.15 * at / self._tape.frames, "writing sound")
                block = self._tape.read(at, at + n)
                block *= np.float32(db(gain))
                if limiter is not None:
                    block *= limiter.gain(at, n)[:, None]
                final.feed(block)
                file.write(block)
        return self._report(final.read(), gain, limiter.deepest_db if limiter else 0.0, silent)

    def _aim(self, energy: NDArray[np.float64], target: float, ceiling: float) -> tuple[float, Limiter]:
        """The gain that gives the loudness after the limiter, and the limiter for it."""
        limiter = Limiter(self._tape.read, self._tape.frames, RATE, wrap=self._seamless)
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
        for at, n in self._tape.blocks():
            meter.feed(self._tape.read(at, at + n) * (np.float32(db(gain)) * limiter.gain(at, n))[:, None])
        return loudness.gated(meter.energies)

    def _report(self, found: loudness.Loudness, gain: float, limiting: float, silent: bool) -> MixReport:
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
    both = np.einsum("nc,nc->n", piece, piece)
    return np.add.reduceat(both, np.arange(0, len(both), _TENTH)).astype(np.float64)


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(10 * np.log10(max(a.sum(), 1e-12) / max(b.sum(), 1e-12)))
