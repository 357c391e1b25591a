"""Is a loop seamless? The piece is heard twice in a row, and the seam held against what the piece does elsewhere.

Gates (the project's metrics 18–22): exact length; the folded pass equal to a later pass of the endless repetition; no
click and no hole in the energy above 8 kHz around the seam; the head as loud as in that repetition; no silence that the
score does not ask for; no jump of the spectrum.
"Elsewhere" is the bar lines and the notes' own starts: a cymbal on the first beat is music, a step between two samples
is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..music.score import Score
from . import dsp, roles
from .play import Played

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

CLICK_DB, HOLE_DB, HEAD_DB, GAP_MS, FLUX_Z, FLUX_DB = 3.0, -20.0, 0.1, 10.0, 2.5, 9.0
IDENTITY = 1e-6
_QUIET = 10 ** (-60 / 20)
_UNHEARD = 10 ** (-95 / 10)
"""Power above 8 kHz that the dither of a 16-bit file has by itself (−93 dBFS, two thirds of it up there): under it
nothing can be missing."""
_NEAR_S = 0.002
_FRAME = 1024
_FEWEST_BARS = 4
_BREATH_BEATS = Fraction(1, 8)


@dataclass(frozen=True, slots=True)
class Seam:
    """Measurements at the seam of a loop.

    Attributes:
        frames: its length; `expected` what tempo and beats ask for.
        click_db: energy above 8 kHz within 2 ms of the seam over the highest elsewhere; `hole_db` over the lowest bar
            line.
        head_db: RMS of the first half beat against the same half beat after another pass; None where not rendered.
        gap_ms: longest silence (below −60 dBFS) that touches the seam; `rests` says that the score is silent there.
        flux_z: spectral flux across the seam, in standard deviations from that at the bar lines; `rises` says that the
            score is silent before the seam and starts on it, so that it may be high; `soft` that nothing but held parts
            starts on it, so that it may be low: an attack that is not written cannot be missing. flux_over_db: the flux
            over the highest elsewhere: a start that is hardly stronger than others of the piece is music.
        apart: highest difference of the folded pass from another pass, in full scale; None where not rendered.
    """

    frames: int
    expected: int
    click_db: float
    hole_db: float
    head_db: float | None
    gap_ms: float
    rests: bool
    flux_z: float
    rises: bool
    flux_over_db: float = 0.0
    apart: float | None = None
    soft: bool = False

    @property
    def failures(self) -> tuple[str, ...]:
        """Names of the gates that do not hold."""
        gates = {
            "length": self.frames == self.expected,
            "identity": self.apart is None or self.apart <= IDENTITY,
            "click": self.click_db <= CLICK_DB,
            "hole": self.hole_db >= HOLE_DB or self.rests,
            "head": self.head_db is None or abs(self.head_db) <= HEAD_DB,
            "gap": self.gap_ms <= GAP_MS or self.rests,
            "flux": abs(self.flux_z) <= FLUX_Z
            or (self.soft if self.flux_z < 0 else self.rises or self.flux_over_db <= FLUX_DB),
        }
        return tuple(name for name, holds in gates.items() if not holds)

    def to_dict(self) -> dict[str, Any]:
        """The measurements with ``passed`` and ``failures``, ready for JSON."""
        return asdict(self) | {"passed": not self.failures, "failures": list(self.failures)}


def of_played(score: Score, played: Played, *, next_pass: Floats | None = None) -> Seam | None:
    """The seam of a played loop; None where the score has no loop.

    Args:
        next_pass: the pre-master sound of a later pass rendered without folding (`play.later_pass`), shape (n, 2), to
            hold the head against.
    """
    if played.loop is None or score.loop is None or played.steady is None:
        return None
    first, n = played.loop
    beats = float(score.loop.len_beats)
    bar = n / beats * score.meter[0] * 4 / score.meter[1]
    onsets = [round(t * played.rate) - first for t in played.onsets.tolist()]
    head = apart = None
    if next_pass is not None:
        half = max(1, round(n / beats / 2))
        mine = np.asarray(sum(stem[first:] for stem in played.stems.values()))
        head = dsp.to_db(_rms(mine[:half])) - dsp.to_db(_rms(next_pass[:half]))
        apart = float(np.abs(mine - next_pass).max())
    end = score.loop.start_beat + score.loop.len_beats
    per_beat = round(60 * played.rate / score.tempo.points[0][1])
    steady = len(score.tempo.points) == 1
    sounding = any(
        abs((float(note.beat - score.loop.start_beat) + beats / 2) % beats - beats / 2) < 0.05
        or note.beat + note.dur_beats >= score.loop.start_beat + score.loop.len_beats
        for note in score.notes
    )
    held = {part.id for part in score.parts if roles.of(part.role).sustained}
    return examine(
        played.steady,
        played.rate,
        bars=[round(k * bar) for k in range(1, max(2, int(n / bar)))],
        onsets=onsets,
        expected=round(per_beat * beats) if steady else n,
        head_db=head,
        apart=apart,
        rests=not sounding,
        rises=not any(
            note.beat < end and note.beat + note.dur_beats > end - _BREATH_BEATS
            for note in score.notes
            if note.beat >= score.loop.start_beat
        ),
        soft=all(note.part in held for note in score.notes if abs(note.beat - score.loop.start_beat) < _BREATH_BEATS),
    )


def examine(
    loop: Floats,
    rate: int,
    *,
    bars: Sequence[int],
    onsets: Sequence[int],
    expected: int,
    head_db: float | None = None,
    apart: float | None = None,
    rests: bool = False,
    rises: bool = False,
    soft: bool = False,
) -> Seam:
    """Measure the seam of `loop`, shape (n, 2). `bars` and `onsets` are frames inside it; the rest as in `Seam`."""
    n = len(loop)
    mono = dsp.mono(loop)
    near = max(4, round(_NEAR_S * rate))
    lines = sorted({at for at in bars if near < at < n - near})
    places = sorted({at for at in (*lines, *onsets) if near < at < n - near}) or [n // 2]
    elsewhere = _treble(mono, places, near, rate)
    at_lines = _treble(mono, lines or places, near, rate)
    here, unheard = float(_treble(mono, [0], near, rate)[0]), 2 * near * _UNHEARD
    flux = _flux(mono, [0, *(lines if len(lines) >= _FEWEST_BARS else places)])
    highest = max(float(flux[1:].max()), float(_flux(mono, places).max()))
    spread = max(float(flux[1:].std()), 1.5)
    return Seam(
        frames=n,
        expected=expected,
        click_db=10 * float(np.log10((here + 1e-15) / (elsewhere.max() + 1e-15))),
        hole_db=10 * float(np.log10((here + unheard) / (at_lines.min() + unheard))),
        head_db=head_db,
        gap_ms=_gap(loop) / rate * 1000,
        rests=rests,
        flux_z=float((flux[0] - flux[1:].mean()) / spread),
        rises=rises,
        flux_over_db=float(flux[0]) - highest,
        apart=apart,
        soft=soft,
    )


def _rms(sound: Floats) -> float:
    return float(np.sqrt(np.square(sound, dtype=np.float64).mean())) if sound.size else 0.0


def _treble(mono: Floats, places: Sequence[int], near: int, rate: int) -> Doubles:
    """Energy above 8 kHz in `near` frames on either side of each place, of the endless repetition."""
    around = np.arange(-_FRAME, _FRAME)
    pieces = mono[(np.asarray(places)[:, None] + around) % len(mono)] * np.hanning(2 * _FRAME)
    spectrum = np.fft.rfft(pieces)
    spectrum[:, np.fft.rfftfreq(2 * _FRAME, 1 / rate) < min(8_000.0, 0.3 * rate)] = 0
    sharp = np.fft.irfft(spectrum, 2 * _FRAME)[:, _FRAME - near : _FRAME + near]
    found: Doubles = np.square(sharp).sum(axis=1)
    return found


def _flux(mono: Floats, places: Sequence[int]) -> Doubles:
    """Rise of the spectrum's level in dB from the frame before each place to the one after it, in third octaves."""
    window = np.hanning(_FRAME)
    edges = np.unique(np.round(2 ** np.arange(1, np.log2(_FRAME / 2), 1 / 3)).astype(int))
    found = []
    for place in places:
        bands = []
        for start in (place - _FRAME, place):
            piece = mono[(np.arange(start, start + _FRAME)) % len(mono)]
            bands.append(np.add.reduceat(np.abs(np.fft.rfft(piece * window)) ** 2, edges))
        before, after = (10 * np.log10(band + 1e-6) for band in bands)
        found.append(float(np.maximum(after - before, 0).mean()))
    return np.array(found)


def _gap(loop: Floats) -> int:
    """Frames of silence that touch the seam."""
    loud = np.flatnonzero(np.abs(loop).max(axis=1) >= _QUIET)
    if not len(loud):
        return len(loop)
    return int(loud[0]) + len(loop) - 1 - int(loud[-1])
