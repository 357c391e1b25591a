"""What passes between a source of sound and the ensemble that places it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tone:
    """A sound that strikes may share: `key` tells it from others, the rest is what placing it needs.

    `gain` factor; `pan` −1 … 1; `release_s` from key-up to silence; `one_shot` ignores key-up; `choke`: a new tone of
    the same class ends this one, 0 = none; `top_db`: what the touch adds above 1.5 kHz.
    """

    key: Hashable
    gain: float
    pan: float
    release_s: float
    one_shot: bool
    choke: int
    top_db: float = 0.0


class Source(Protocol):
    """What can play keys."""

    def tones(self, key: int, vel: int, cents: float, length: int) -> list[Tone]:
        """The sounds of one strike of `length` frames; empty where the instrument has none for that key."""
        ...

    def render(self, tone: Tone, n: int) -> tuple[Floats, Floats]:
        """(wave, level while held), each at most `n` frames, of equal shape (m,)."""
        ...

    def prepare(self, strikes: Sequence[tuple[int, int]]) -> None:
        """Told all (key, velocity) pairs before the first `tones`."""
        ...
