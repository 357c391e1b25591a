"""The compiled kernels against scipy's public functions, and what happens where a scipy has no such files."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import fft, signal

from game_music_maker.studio.sound import kernels


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((2, 5_000)).astype(np.float32)


def test_sections_give_scipys_samples_and_state_across_blocks(noise: np.ndarray) -> None:
    sections = signal.butter(4, 0.2, output="sos").astype(np.float32)
    state = np.zeros((len(sections), 2, 2), np.float32)
    whole, after = signal.sosfilt(sections, noise, axis=-1, zi=state)
    first, middle = kernels.sosfilt(sections, noise[:, :1_234], state)
    second, last = kernels.sosfilt(sections, noise[:, 1_234:], middle)
    assert np.array_equal(np.concatenate([first, second], axis=1), whole)
    assert np.array_equal(last, after)
    assert not state.any()


def test_a_long_stereo_sound_gives_scipys_samples_too() -> None:
    long = np.random.default_rng(2).standard_normal((2, 150_001)).astype(np.float32)
    sections = signal.butter(4, 0.2, output="sos").astype(np.float32)
    whole, after = signal.sosfilt(sections, long, axis=-1, zi=np.zeros((len(sections), 2, 2), np.float32))
    found, state = kernels.sosfilt(sections, long)
    assert np.array_equal(found, whole)
    assert np.array_equal(state, after)


def test_the_input_is_left_alone(noise: np.ndarray) -> None:
    before = noise.copy()
    kernels.sosfilt(signal.butter(2, 0.1, output="sos"), noise)
    assert np.array_equal(noise, before)


@pytest.mark.parametrize(("up", "down"), [(4, 1), (3, 7), (147, 160), (10, 4), (2, 2)])
def test_resampling_gives_scipys_samples(noise: np.ndarray, up: int, down: int) -> None:
    taps = np.asarray(signal.firwin(2 * 9 * max(up, down) + 1, 0.96 / max(up, down), window=("kaiser", 5.6)))
    wanted = signal.resample_poly(noise, up, down, axis=-1, window=taps.astype(np.float32))
    assert np.allclose(kernels.resample_poly(noise, up, down, taps.astype(np.float32)), wanted, atol=1e-6)


def test_taps_are_scipys() -> None:
    wanted = signal.firwin(97, 0.25, window=("kaiser", 6.0))
    assert np.allclose(kernels.lowpass_taps(97, 0.25, 6.0), wanted, atol=1e-12)


def test_spectra_are_scipys(noise: np.ndarray) -> None:
    found = kernels.rfft(noise[0], 6_000)
    assert found.dtype == np.complex64
    assert np.array_equal(found, fft.rfft(noise[0], 6_000))


@pytest.mark.parametrize("least", [1, 7, 1_025, 2_187, 65_537, 249_999])
def test_fast_lengths_are_the_next_even_ones(least: int) -> None:
    found = kernels.fast_length(least)
    assert found % 2 == 0
    assert found == next(n for n in range(least + least % 2 or 2, 10**9, 2) if fft.next_fast_len(n, real=True) == n)


def test_without_the_files_the_public_functions_serve(noise: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    sections = signal.butter(2, 0.3, output="sos").astype(np.float32)
    taps = kernels.lowpass_taps(97, 0.25, 6.0).astype(np.float32)
    fast = kernels.sosfilt(sections, noise)[0], kernels.resample_poly(noise, 4, 1, taps), kernels.rfft(noise[0], 6_000)
    monkeypatch.setattr(kernels, "_SECOND_ORDER", None)
    monkeypatch.setattr(kernels, "_POLYPHASE", None)
    monkeypatch.setattr(kernels, "_POCKET", None)
    slow = kernels.sosfilt(sections, noise)[0], kernels.resample_poly(noise, 4, 1, taps), kernels.rfft(noise[0], 6_000)
    assert np.array_equal(fast[0], slow[0])
    assert np.allclose(fast[1], slow[1], atol=1e-6)
    assert np.allclose(fast[2], slow[2], atol=1e-3)


def test_peaks_keep_their_distance() -> None:
    values = np.array([0.0, 5, 0, 9, 0, 0, 0, 6, 0, 2, 0])
    assert kernels.peaks(values, 3.0, 3) == [3, 7]


def test_playing_and_looking_load_no_scipy_signal() -> None:
    code = (
        "import sys\n"
        "from game_music_maker.studio.picture import analyse, encode, hearing\n"
        "from game_music_maker.studio.sound import kernels, mixdown, play\n"
        "import numpy as np\n"
        "kernels.sosfilt(np.array([[1.0, 0, 0, 1, 0, 0]]), np.zeros(8))\n"
        "hearing.hear([np.zeros((16_000, 1), np.float32)] * 3)\n"
        "sys.exit('scipy.signal' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
