"""What is kept of a small picture, and how different two pictures are. Pure numpy.

The difference joins two views: the colours whatever their place (earth mover's distance between the channels'
histograms, Rubner et al. 2000), which a moving camera hardly changes, and the layout whatever its detail
(mean difference of a 16×9 mosaic), which a change of scene with the same palette does. Both move smoothly:
a slow fade has no steps in them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 160, 90
_BINS = 32
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """Of n pictures in order.

    Attributes:
        colours: (n, 96) cumulative histograms of red, green and blue, 32 bins each.
        layout: (n, 144·3) mosaic, 0–1.
        luma: (n,) mean brightness 0–1. saturation: (n,) mean 0–1.
    """

    colours: Floats
    layout: Floats
    luma: Floats
    saturation: Floats

    def __len__(self) -> int:
        return len(self.luma)

    def part(self, start: int, end: int | None = None) -> Features:
        """Pictures `start` to `end` (exclusive)."""
        cut = slice(start, end)
        return Features(self.colours[cut], self.layout[cut], self.luma[cut], self.saturation[cut])


def join(first: Features, second: Features) -> Features:
    """The pictures of both in order."""
    return Features(
        np.concatenate([first.colours, second.colours]),
        np.concatenate([first.layout, second.layout]),
        np.concatenate([first.luma, second.luma]),
        np.concatenate([first.saturation, second.saturation]),
    )


def features(pictures: NDArray[np.uint8]) -> Features:
    """Features of RGB pictures, shape (n, 90, 160, 3)."""
    n = len(pictures)
    codes = (pictures >> 3).reshape(n, -1, 3).astype(np.int32)
    codes += (np.arange(n, dtype=np.int32) * 3)[:, None, None] * _BINS + np.arange(3, dtype=np.int32) * _BINS
    counts = np.bincount(codes.ravel(), minlength=n * 3 * _BINS).reshape(n, 3, _BINS)
    tiles = pictures.reshape(n, 9, HEIGHT // 9, 16, WIDTH // 16, 3)
    mosaic = tiles.mean(axis=(2, 4), dtype=np.float32) / 255
    luma = mosaic @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    spread = mosaic.max(axis=-1) - mosaic.min(axis=-1)
    saturation = spread / np.maximum(mosaic.max(axis=-1), 1e-3)
    return Features(
        (counts.cumsum(axis=2) / (WIDTH * HEIGHT)).astype(np.float32).reshape(n, -1),
        mosaic.reshape(n, -1).astype(np.float32),
        luma.reshape(n, -1).mean(axis=1).astype(np.float32),
        saturation.reshape(n, -1).mean(axis=1).astype(np.float32),
    )


def difference(first: Features, second: Features) -> Floats:
    """How different the pictures are, row by row: 0 the same … 1 nothing in common."""
    colour = np.minimum(1.0, 3.0 * np.abs(first.colours - second.colours).mean(axis=1))
    layout = np.minimum(1.0, 3.0 * np.abs(first.layout - second.layout).mean(axis=1))
    return np.asarray(0.5 * (colour + layout), dtype=np.float32)
