"""Moving windows against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from game_music_maker.studio.sound import windows


@pytest.fixture
def curve() -> np.ndarray:
    return np.random.default_rng(3).standard_normal(700)


@pytest.mark.parametrize(("ends", "mode"), [("edge", "nearest"), ("wrap", "wrap")])
@pytest.mark.parametrize("size", [1, 5, 54, 95])
def test_extremes(curve: np.ndarray, size: int, ends: windows.Ends, mode: str) -> None:
    assert np.array_equal(windows.lowest(curve, size, ends), ndimage.minimum_filter1d(curve, size, mode=mode))
    assert np.array_equal(windows.highest(curve, size, ends), ndimage.maximum_filter1d(curve, size, mode=mode))


@pytest.mark.parametrize(("ends", "mode"), [("edge", "nearest"), ("wrap", "wrap")])
@pytest.mark.parametrize("size", [24, 91])
def test_weighted_sums(curve: np.ndarray, size: int, ends: windows.Ends, mode: str) -> None:
    window = np.hanning(size + 2)[1:-1]
    assert np.allclose(windows.weighted(curve, window, ends), ndimage.convolve1d(curve, window, mode=mode))


@pytest.mark.parametrize("size", [5, 45])
def test_blips_and_gaps(curve: np.ndarray, size: int) -> None:
    flags = ndimage.uniform_filter1d(curve, 11) > 0.1
    assert np.array_equal(windows.without_blips(flags, size), ndimage.binary_opening(flags, np.ones(size)))
    padded = ndimage.binary_closing(np.pad(flags, size), np.ones(size))[size:-size]
    assert np.array_equal(windows.without_gaps(flags, size), padded)


@pytest.mark.parametrize("size", [3, 401])
def test_percentiles(curve: np.ndarray, size: int) -> None:
    values = curve.astype(np.float32)
    assert np.array_equal(
        windows.percentile(values, 0.1, size), ndimage.percentile_filter(values, 10, size=size, mode="nearest")
    )
