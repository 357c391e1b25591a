"""Loudness against the recommendations' own test signals, generated here (EBU Tech 3341 table 1, Tech 3342 table 1)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from game_music_maker.studio.sound import loudness

RATE = 48_000


def tone(seconds: float, dbfs: float, hz: float = 1_000.0, *, rate: int = RATE, phase: float = 0.0) -> np.ndarray:
    """A stereo sine with peaks at `dbfs`, shape (n, 2)."""
    at = 2 * np.pi * hz * np.arange(round(seconds * rate)) / rate + phase
    wave = (10 ** (dbfs / 20) * np.sin(at)).astype(np.float32)
    return np.stack([wave, wave], axis=1)


def steps(*parts: tuple[float, float]) -> np.ndarray:
    return np.concatenate([tone(seconds, level) for seconds, level in parts])


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_a_sine_of_997_hz_at_minus_23_reads_minus_23(rate: int) -> None:
    assert loudness.measure(tone(20, -23, 997, rate=rate), rate).integrated_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (steps((20, -33)), -33.0),
        (steps((10, -36), (60, -23), (10, -36)), -23.0),
        (steps((10, -72), (10, -36), (60, -23), (10, -36), (10, -72)), -23.0),
        (steps((20, -26), (20.1, -20), (20, -26)), -23.0),
    ],
    ids=["case 2", "case 3", "case 4", "case 5"],
)
def test_gating_of_tech_3341(signal: np.ndarray, expected: float) -> None:
    assert loudness.measure(signal).integrated_lufs == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (steps((20, -20), (20, -30)), 10.0),
        (steps((20, -20), (20, -15)), 5.0),
        (steps((20, -40), (20, -20)), 20.0),
        (steps((20, -50), (20, -35), (20, -20), (20, -35), (20, -50)), 15.0),
    ],
    ids=["case 1", "case 2", "case 3", "case 4"],
)
def test_range_of_tech_3342(signal: np.ndarray, expected: float) -> None:
    assert loudness.measure(signal).range_lu == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(("divisor", "degrees"), [(4, 0), (4, 45), (6, 60), (8, 67.5)])
def test_true_peak_between_the_samples(divisor: int, degrees: float) -> None:
    signal = tone(1, -6.02, RATE / divisor, phase=np.radians(degrees))
    signal *= np.clip(np.arange(RATE) / 4_800, 0, 1).astype(np.float32)[:, None]
    signal *= np.clip((RATE - np.arange(RATE)) / 4_800, 0, 1).astype(np.float32)[:, None]
    found = loudness.measure(signal).true_peak_dbtp
    assert -0.4 <= found + 6.02 <= 0.2


def test_the_peak_is_the_same_however_the_sound_is_cut() -> None:
    signal = tone(1, -1.0, 50.0)
    meter = loudness.Meter(RATE)
    for at in range(0, RATE, 4_560):  # cuts at every height of the wave
        meter.feed(signal[at : at + 4_560])
    assert meter.read().true_peak_dbtp == pytest.approx(-1.0, abs=0.02)


def test_a_loud_moment_is_the_highest_short_term(tmp_path: Path) -> None:
    found = loudness.measure(steps((10, -40), (4, -18), (10, -40)))
    assert found.short_term_lufs == pytest.approx(-18.0, abs=0.1)
    assert found.momentary_lufs == pytest.approx(-18.0, abs=0.1)


def test_blocks_of_any_size_and_a_file_read_as_the_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sound = (rng.standard_normal((RATE * 7 + 123, 2)) * 0.1).astype(np.float32)
    meter = loudness.Meter(RATE)
    for size, at in zip([1, 7, 4_801, 100_000] * 40, np.cumsum([0] + [1, 7, 4_801, 100_000] * 39), strict=False):
        meter.feed(sound[at : at + size])
    soundfile.write(tmp_path / "noise.wav", sound, RATE, subtype="FLOAT")
    whole, by_file = loudness.measure(sound), loudness.measure(tmp_path / "noise.wav")
    assert meter.read().integrated_lufs == pytest.approx(whole.integrated_lufs, abs=0.01)
    assert by_file == whole


def test_silence_and_nothing_are_silent() -> None:
    for signal in (np.zeros((RATE, 2), np.float32), np.zeros((0, 2), np.float32), np.zeros((10, 1), np.float32)):
        found = loudness.measure(signal)
        assert found.integrated_lufs == loudness.SILENCE
        assert found.range_lu == 0.0
