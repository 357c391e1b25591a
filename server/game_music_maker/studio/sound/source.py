"""Where a part's sound comes from: sampled presets, drum kits, or our own synthesis, behind one small interface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..music.library import library
from ..music.score import Part, Score
from . import dsp, roles, sampled
from .bank import DRUM_BANK, Bank, Zone
from .synth import Synthesised
from .tone import Source, Tone

Floats = NDArray[np.float32]

_KITS = {
    "synthwave_racing": 24,
    "cyberpunk_action": 24,
    "lofi_chill": 32,
    "stealth_spy": 32,
    "sports_hype": 16,
    "boss_battle": 16,
}
"""Palette → drum kit (program of bank 128): electronic, jazz, power; all others play the standard kit, 0."""
_OPEN_HZ = 17_500.0
_TILT_DB, _TILT_HZ = 60.0, 1_600.0
_MOST_LIFT_DB, _MOST_CUT_DB = 12.0, 6.0
_MELODIC_DRUMS = range(112, 120)


_SOFTER_DB = 9.0
"""How much less treble the softest touch has: recordings of one loudness do not know it by themselves."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What makes a sampled tone: the voice and one of its zones, key, velocity class for the zone's filter (0 = none),
    detune in cents."""

    voice: int
    zone: Zone = field(compare=False)
    key: int
    vel: int
    cents: float


class Sampled:
    """A preset of the bank with the equaliser of a role."""

    def __init__(self, bank: Bank, number: int, program: int, eq: dsp.Sections, rate: int) -> None:
        self._bank, self._eq, self._rate = bank, eq, rate
        self._zones = bank.zones(number, program)
        self._drums = number == DRUM_BANK
        self._melodic: dict[int, tuple[Zone, ...]] = {}

    def prepare(self, strikes: Sequence[tuple[int, int]]) -> None:
        self._bank.prefetch(zone.sample for key, vel in set(strikes) for zone, _ in self._answering(key, vel))

    def _answering(self, key: int, vel: int) -> list[tuple[Zone, int]]:
        found = [(zone, key) for zone in self._zones if zone.answers(key, vel)]
        if found or not self._drums:
            return found
        # A drum note numbered as a percussive program (116 = taiko) plays that program at its natural pitch.
        if key in _MELODIC_DRUMS:
            zones = self._melodic.setdefault(key, self._bank.zones(0, key))
            return [(zone, 48) for zone in zones if zone.answers(48, vel)]
        return []

    def tones(self, key: int, vel: int, cents: float, length: int) -> list[Tone]:
        found = []
        for zone, at in self._answering(key, vel):
            soft = 16 * (vel // 16) + 8 if zone.velocity_cutoff else 0
            shot = self._drums and zone.loop is None
            found.append(
                Tone(
                    key=Copy(zone.voice, zone, at, soft, cents),
                    gain=(vel / 127) ** 2 * dsp.db(-zone.attenuation_db),
                    pan=zone.pan,
                    release_s=zone.volume[5],
                    one_shot=shot,
                    choke=zone.choke if self._drums else 0,
                    top_db=_SOFTER_DB * min(0.15, vel / 110 - 1),
                )
            )
        return found

    def render(self, tone: Tone, n: int) -> tuple[Floats, Floats]:
        made = tone.key
        assert isinstance(made, Copy)
        wave = sampled.wave(
            self._bank, made.zone, made.key, vel=made.vel or 127, cents=made.cents, n=n, rate=self._rate, eq=self._eq
        )
        return wave, sampled.held(made.zone, made.key, len(wave), self._rate)


def tilt(score: Score, rate: int) -> dsp.Sections:
    """The mood's colour, shape (k, 6): a shelf that lifts or takes off the top by what the mood is brighter or darker
    than the palette's own (arousal and valence, as `lowpass_hz` holds them; Juslin and Laukka 2003, table 7)."""
    palettes = [library().palettes[name] for name in score.palette.split("+") if name in library().palettes]
    if not palettes or score.lowpass_hz >= _OPEN_HZ:
        return np.zeros((0, 6), np.float32)
    own = sum(0.6 * p.va.arousal + 0.2 * p.va.valence + 0.2 for p in palettes) / len(palettes)
    moved = (score.lowpass_hz - 2_800) / 13_000 - own
    most = _MOST_LIFT_DB if moved > 0 else _MOST_CUT_DB
    gain = most * float(np.tanh(_TILT_DB * moved / most))
    return (
        dsp.biquad("highshelf", rate, _TILT_HZ, gain_db=gain, q=0.5)
        if abs(gain) > 0.3
        else np.zeros((0, 6), np.float32)
    )


def of(part: Part, bank: Bank, score: Score, rate: int) -> Source:
    """The source that plays `part`.

    Raises:
        InvalidArgument: `part.synth` names no voice of ours.
    """
    eq = np.concatenate([roles.equaliser(roles.of(part.role), rate), tilt(score, rate)])
    if score.lowpass_hz < 16_000:
        eq = np.concatenate([eq, dsp.biquad("lowpass", rate, max(1_500.0, score.lowpass_hz), q=0.6)])
    if part.synth is not None:
        return Synthesised(part.synth, eq, rate)
    if part.drums:
        kit = next((kit for name, kit in _KITS.items() if name in score.palette), 0)
        return Sampled(bank, DRUM_BANK, kit, eq, rate)
    return Sampled(bank, 0, part.program, eq, rate)
