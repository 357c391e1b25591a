"""Where a part's sound comes from: sampled presets, drum kits, or our own synthesis, behind one small interface."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidArgument
from ..music.score import Part, Score
from . import dsp, envelope, roles, sampled
from .bank import DRUM_BANK, Bank, Zone

Floats = NDArray[np.float32]

ONE_SHOT_S = 6.0
"""A drum rings this long at most."""
_KITS = {
    "synthwave_racing": 24,
    "cyberpunk": 24,
    "lofi_menu": 32,
    "esports_hype": 16,
    "boss_battle": 16,
}
"""Palette → drum kit of bank 128; others play the standard kit, 0."""
_MELODIC_DRUMS = range(112, 120)


@dataclass(frozen=True, slots=True)
class Tone:
    """A sound that strikes may share: `key` tells it from others, the rest is what placing it needs.

    `gain` factor, `pan` −1 … 1, `release_s` from key-up to silence, `one_shot` ignores key-up, `choke` class (0 none).
    """

    key: Hashable
    gain: float
    pan: float
    release_s: float
    one_shot: bool
    choke: int


class Source(Protocol):
    """What can play keys."""

    def tones(self, key: int, vel: int, cents: float) -> list[Tone]:
        """The sounds of one strike; empty where the instrument has none for that key."""
        ...

    def render(self, tone: Tone, n: int) -> tuple[Floats, Floats]:
        """(wave, level while held), each at most `n` frames, of equal shape (m,)."""
        ...

    def prepare(self, strikes: Sequence[tuple[int, int]]) -> None:
        """Told all (key, velocity) pairs before the first `tones`."""
        ...


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
        # Numbers of the percussive programs among drum notes (116 = taiko) play that program at its natural pitch.
        if key in _MELODIC_DRUMS:
            zones = self._melodic.setdefault(key, self._bank.zones(0, key))
            return [(zone, 48) for zone in zones if zone.answers(48, vel)]
        return []

    def tones(self, key: int, vel: int, cents: float) -> list[Tone]:
        found = []
        for zone, at in self._answering(key, vel):
            soft = 16 * (vel // 16) + 8 if zone.velocity_cutoff else 0
            shot = self._drums and zone.loop is None
            found.append(
                Tone(
                    key=(zone, at, soft, cents),
                    gain=(vel / 127) ** 2 * dsp.db(-zone.attenuation_db),
                    pan=zone.pan,
                    release_s=zone.volume[5],
                    one_shot=shot,
                    choke=zone.choke if self._drums else 0,
                )
            )
        return found

    def render(self, tone: Tone, n: int) -> tuple[Floats, Floats]:
        zone, key, soft, cents = tone.key  # type: ignore[misc]
        wave = sampled.wave(
            self._bank, zone, key, vel=soft or 127, cents=cents, n=n, rate=self._rate, eq=self._eq
        )
        return wave, sampled.held(zone, key, len(wave), self._rate)


def of(part: Part, bank: Bank, score: Score, rate: int) -> Source:
    """The source that plays `part`.

    Raises:
        InvalidArgument: `part.synth` names no voice of ours.
    """
    eq = roles.equaliser(roles.of(part.role), rate)
    if score.lowpass_hz < 16_000:
        eq = np.concatenate([eq, dsp.biquad("lowpass", rate, max(1_500.0, score.lowpass_hz), q=0.6)])
    if part.synth is not None:
        raise InvalidArgument(part.synth)
    if part.drums:
        kit = part.program if part.program and bank.has(DRUM_BANK, part.program) else _KITS.get(score.palette, 0)
        return Sampled(bank, DRUM_BANK, kit, eq, rate)
    return Sampled(bank, 0, part.program, eq, rate)


def tail(release_s: float, rate: int) -> Floats:
    """The factor on the level after key-up."""
    return envelope.released(rate, release_s)
