"""The room: the decay that was asked for, no ringing tone, wide above and mono below."""

from __future__ import annotations

import numpy as np
import pytest

from game_music_maker.studio.music.score import Reverb
from game_music_maker.studio.sound import room

RATE = 48_000


def band(ears: np.ndarray, low: float, high: float) -> np.ndarray:
    # Padded, so that the filter's ringing does not come round to the end.
    spectrum = np.fft.rfft(ears, 2 * ears.shape[-1])
    hz = np.fft.rfftfreq(2 * ears.shape[-1], 1 / RATE)
    spectrum[..., (hz < low) | (hz > high)] = 0
    return np.fft.irfft(spectrum, 2 * ears.shape[-1])[..., : ears.shape[-1]]


def decay_s(ear: np.ndarray) -> float:
    """Seconds to −60 dB from the slope between −5 and −30 dB of Schroeder's backward integral."""
    left = np.cumsum(ear[::-1] ** 2)[::-1]
    level = 10 * np.log10(left / left[0] + 1e-12)
    at = [int(np.argmax(level < mark)) for mark in (-5, -30)]
    return 60 / 25 * (at[1] - at[0]) / RATE


@pytest.mark.parametrize("kind", sorted(set(room.ROOMS) - {"canyon_delay", "valley"}))
def test_decay_is_as_asked_and_highs_die_first(kind: str) -> None:
    response = room.impulse(Reverb(kind, 1.5, 0.2), RATE)
    assert decay_s(band(response[0], 700, 1_400)) == pytest.approx(1.5, rel=0.2)
    assert decay_s(band(response[0], 5_000, 9_000)) < decay_s(band(response[0], 500, 1_000))


@pytest.mark.parametrize("kind", sorted(room.ROOMS))
def test_nothing_rings_on_one_pitch(kind: str) -> None:
    response = room.impulse(Reverb(kind, 2.0, 0.2), RATE)
    late = response[0, RATE // 2 : RATE // 2 + 32_768] * np.hanning(32_768)
    power = np.abs(np.fft.rfft(late)) ** 2
    lines = power[400:4_000].reshape(-1, 100)
    # Noise: the highest of 100 lines stands about 7 dB over their mean, hardly ever 13; a mode stands out by 20 dB.
    assert 10 * np.log10((lines.max(axis=1) / lines.mean(axis=1)).max()) < 13


def test_wide_above_mono_below() -> None:
    response = room.impulse(Reverb("hall", 2.0, 0.2), RATE)
    low, high = band(response, 60, 110), band(response, 500, 5_000)
    assert np.corrcoef(low)[0, 1] > 0.9
    assert abs(np.corrcoef(high)[0, 1]) < 0.15


def test_convolution_equals_the_sum_of_shifted_responses() -> None:
    response = room.impulse(Reverb("room", 0.3, 0.2), RATE)
    dry = np.zeros(200_000, np.float32)
    dry[[0, 70_000, 199_999]] = (1.0, -0.5, 2.0)
    out = np.zeros((2, 205_000), np.float32)
    room.convolve_into(out, dry, response, 0.5)
    expected = np.zeros_like(out)
    for at, level in ((0, 0.5), (70_000, -0.25), (199_999, 1.0)):
        n = min(response.shape[1], 205_000 - at)
        expected[:, at : at + n] += level * response[:, :n]
    assert np.abs(out - expected).max() < 1e-5
