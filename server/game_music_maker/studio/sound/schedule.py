"""From notes in beats to strikes in frames: when each note starts and ends, which copy of a sound it takes.

Times come from the tempo map; in a loop each beat is a whole number of frames (``round(60 · rate / bpm)``), so that the
pass has an exact length.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction

from ..music.score import Note, Part, Score
from .echoes import with_echoes
from .rides import Rides
from .strike import Strike
from .synth import CHIP_VOICES

_TOUCH = {"staccato": (0.55, 4), "stab": (0.7, 10), "accent": (1.0, 14), "legato": (1.06, -3)}
"""Articulation → share of the written length, velocity added."""
REPEAT_S = 0.7
"""The same key again within this time takes another copy of the sound."""


class Clock:
    """Frames of beats for one score at one rate."""

    def __init__(self, score: Score, rate: int) -> None:
        self._score, self._rate = score, rate
        points = score.tempo.points
        self._steady = score.loop is not None and len(points) == 1
        self.per_beat = round(60 * rate / points[0][1])
        """Frames of a beat at the first tempo."""

    def frame(self, beat: Fraction) -> float:
        """Frame of `beat`, fractional, from the start of the sound."""
        if self._steady:
            return round(self._score.tempo.phase_s * self._rate) + float(beat * self.per_beat)
        return self._score.tempo.seconds(beat) * self._rate

    @property
    def loop(self) -> tuple[int, int] | None:
        """(first frame, length) of the loop, exact."""
        span = self._score.loop
        if span is None:
            return None
        first = round(self.frame(span.start_beat))
        return first, round(self.frame(span.start_beat + span.len_beats)) - first


def strikes(score: Score, part: Part, rate: int, rides: Rides) -> list[Strike]:
    """All strikes of `part`, by start."""
    clock = Clock(score, rate)
    chip = part.synth in CHIP_VOICES
    found: list[Strike] = []
    last: dict[int, tuple[int, int]] = {}
    for note in score.notes:
        if note.part != part.id:
            continue
        inside = score.loop is None or note.beat >= score.loop.start_beat
        strike = replace(_strike(note, clock, rate), inside=inside, fader=rides.at(note.beat, part.role))
        before, count = last.get(note.pitch, (-(10**9), 0))
        count = count + 1 if strike.start - before < REPEAT_S * rate else 0
        last[note.pitch] = (strike.start, count)
        if count and not chip:
            strike = _varied(strike, count, f"{score.seed}|{note.part}|{note.beat}|{note.pitch}", rate)
        found += _played(strike, rate)
    return with_echoes(found, score, part, clock.per_beat)


def _strike(note: Note, clock: Clock, rate: int) -> Strike:
    start = clock.frame(note.beat)
    end = clock.frame(note.beat + note.dur_beats)
    moved = max(0, round(start + note.micro_ms * rate / 1000))
    share, more = _TOUCH.get(note.artic, (1.0, 0))
    # The micro-timing moves the start alone: a chord that comes early is still held to its end.
    length = max(1, round((end - start) * share) + round(start) - moved)
    return Strike(moved, length, note.pitch, max(1, min(127, note.vel + more)), artic=note.artic)


def _varied(strike: Strike, count: int, name: str, rate: int) -> Strike:
    """The round robin: small detune, level and timing, from a hash of the note alone: edits elsewhere leave it."""
    raw = hashlib.blake2b(name.encode(), digest_size=2).digest()
    late, level = raw[0] / 255 - 0.5, raw[1] / 255 - 0.5
    return replace(
        strike,
        start=strike.start + round(max(0.0, late) * 0.003 * rate),
        cents=(0.0, 4.0, -4.0)[count % 3],
        level=10 ** (level * 1.2 / 20),
    )


def _played(strike: Strike, rate: int) -> list[Strike]:
    """The articulation's strikes: a roll and a tremolo are many, the others one."""
    if strike.artic not in ("roll", "tremolo"):
        return [strike]
    step = round(rate * (0.055 if strike.artic == "roll" else 0.075))
    times = max(1, strike.length // step)
    return [
        replace(
            strike,
            start=strike.start + k * step,
            length=min(strike.length, round(step * 1.3)),
            vel=max(1, round(strike.vel * (0.72 + 0.28 * (k + 1) / times) * (1.0 if k % 2 else 0.93))),
            cents=(0.0, 4.0, -4.0)[k % 3],
        )
        for k in range(times)
    ]
