"""Our own voices as a source: a table of names, and how each is struck, held and let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidArgument
from . import chip, dsp, envelope, gestures, voices
from .tone import Tone

Floats = NDArray[np.float32]

_SOFTER_DB = 14.0
"""How much less treble the softest touch has."""
_Make = Callable[["Struck", int, int], Floats]


@dataclass(frozen=True, slots=True)
class Struck:
    """What a voice is made from: MIDI key, strike length in frames where the voice's shape depends on it (else 0), side
    0 or 1 of a voice that sounds twice."""

    key: int
    length: int
    side: int


@dataclass(frozen=True, slots=True)
class Voice:
    """`attack`, `release` in seconds; `wide`: played twice, left and right, with other detunings; `shaped`: the length
    of the note shapes it; `shot`: rings out whatever the note's length; `bright`: velocity changes its spectrum."""

    make: _Make
    attack: float = 0.002
    release: float = 0.05
    wide: bool = False
    shaped: bool = False
    shot: bool = False
    bright: bool = True


def _plain(make: Callable[[float, int, int, int], Floats]) -> _Make:
    return lambda s, n, rate: make(s.key, n, rate, s.side)


VOICES: dict[str, Voice] = {
    "pulse12": Voice(lambda s, n, r: chip.pulse(s.key, n, r, 0.125), 0.001, 0.012, bright=False),
    "pulse25": Voice(lambda s, n, r: chip.pulse(s.key, n, r, 0.25), 0.001, 0.012, bright=False),
    "pulse50": Voice(lambda s, n, r: chip.pulse(s.key, n, r, 0.5), 0.001, 0.012, bright=False),
    "triangle": Voice(lambda s, n, r: chip.triangle(s.key, n, r), 0.001, 0.012, bright=False),
    "noise": Voice(lambda s, n, r: chip.drum(s.key, n, r), 0.0005, 0.03, bright=False),
    "saw_lead": Voice(_plain(voices.saw_lead), 0.006, 0.18),
    "saw_pluck": Voice(_plain(voices.saw_pluck), 0.002, 0.12),
    "saw_bass": Voice(_plain(voices.saw_bass), 0.003, 0.06),
    "super_pad": Voice(_plain(voices.super_pad), 0.45, 1.6, wide=True),
    "square_lead": Voice(_plain(voices.square_lead), 0.005, 0.15),
    "sub_bass": Voice(_plain(voices.sub_bass), 0.006, 0.08),
    "fm_bell": Voice(_plain(voices.fm_bell), 0.002, 2.5, wide=True),
    "drone": Voice(_plain(voices.drone), 1.6, 3.0, wide=True),
    "riser": Voice(lambda s, n, r: gestures.riser(s.key, s.length, n, r, s.side), 0.01, 0.05, True, True),
    "impact": Voice(lambda s, n, r: gestures.impact(s.key, n, r, s.side), 0.001, 0.5, True, shot=True),
}
"""Every name that `Part.synth` may hold."""

CHIP_VOICES = frozenset(("pulse12", "pulse25", "pulse50", "triangle", "noise"))
"""Voices of a machine: no round robin, no human timing."""


class Synthesised:
    """A source that plays one voice with the equaliser of a role."""

    def __init__(self, name: str, eq: dsp.Sections, rate: int) -> None:
        """
        Raises:
            InvalidArgument: there is no such voice.
        """
        if name not in VOICES:
            raise InvalidArgument(
                f"There is no synthesised voice named {name!r}.", next=f"Use one of: {', '.join(sorted(VOICES))}."
            )
        self._voice, self._eq, self._rate = VOICES[name], eq, rate

    def prepare(self, strikes: Sequence[tuple[int, int]]) -> None:
        """Nothing to load."""

    def tones(self, key: int, vel: int, cents: float, length: int) -> list[Tone]:
        voice = self._voice
        return [
            Tone(
                key=Struck(key, length if voice.shaped else 0, side),
                gain=(vel / 127) ** 1.6 * (0.7071 if voice.wide else 1.0),
                pan=(-0.7, 0.7)[side] if voice.wide else 0.0,
                release_s=voice.release,
                one_shot=voice.shot,
                choke=0,
                top_db=_SOFTER_DB * min(0.0, vel / 120 - 1) if voice.bright else 0.0,
            )
            for side in range(2 if voice.wide else 1)
        ]

    def render(self, tone: Tone, n: int) -> tuple[Floats, Floats]:
        struck = tone.key
        assert isinstance(struck, Struck)
        wave = dsp.run(self._eq, self._voice.make(struck, n, self._rate))
        shape = (0.0, self._voice.attack, 0.0, 0.0, 0.0, self._voice.release)
        return wave, envelope.held(len(wave), self._rate, shape)
