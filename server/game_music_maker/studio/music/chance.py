"""Randomness by name: each decision of the composer draws from its own counter-based stream.

The key is a hash of the version, the seed and the names that lead to the decision, so that a change in one section
leaves every other decision as it was (Philox: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

COMPOSER_VERSION = 3
"""Raised when the same seed is meant to give other notes."""


def chance(seed: int, *names: str | int) -> np.random.Generator:
    """The stream for the decision that `names` lead to, such as ``chance(7, "A1", "melody", 3)``."""
    text = "\x1f".join([str(COMPOSER_VERSION), str(seed), *map(str, names)])
    key = int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))


def dealt(seed: int, count: int, *names: str | int) -> int:
    """A card of 0 … count − 1 for `seed`: seeds that follow each other are dealt the whole pack before a card comes
    again. The pack of each decision is shuffled by itself, and anew for each round."""
    round_, place = divmod(seed, count)
    return int(chance(round_, "pack", *names).permutation(count)[place])


def pink(generator: np.random.Generator, count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """`count` values of 1/f noise with unit deviation, clipped at two deviations; shaped in the frequency domain."""
    if count < 2:
        return np.zeros(count)
    size = max(16, count)
    spectrum = np.fft.rfft(generator.standard_normal(size))
    frequency = np.arange(len(spectrum), dtype=np.float64)
    frequency[0] = 1.0
    spectrum = spectrum / np.sqrt(frequency)
    spectrum[0] = 0.0
    values = np.fft.irfft(spectrum, size)[:count]
    deviation = values.std()
    return np.clip(values / deviation if deviation > 0 else values, -2.0, 2.0)
