"""Black bars round a picture: rows and columns at its edges that stay black in every keyframe looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .footage import MediaInfo
from .picture import ffmpeg

_FRAMES = 12
_BLACK = 28
_MOST = 0.4
_LEAST_PX = 4


def black_bars(path: Path, info: MediaInfo) -> tuple[int, int, int, int]:
    """Left, top, right and bottom bar in source pixels, even numbers; all 0 where there are none.

    A bar is at least 4 pixels wide and at most 40% of the picture; where the bright part would be smaller than that,
    the picture is dark, not barred.

    Raises:
        UnsupportedMedia: the picture cannot be decoded.
    """
    assert info.video is not None
    width, height = info.video.width, info.video.height
    step = max(1.0, info.duration_s / _FRAMES)
    brightest = np.zeros((height, width), np.uint8)
    moving = info.kind == "video" and not info.animated
    options = ("-noautorotate", *(("-skip_frame", "nokey") if moving else ()))
    filters = (f"select='isnan(prev_selected_t)+gte(t-prev_selected_t,{step:.3f})'",) if moving else ()
    for _, frame in ffmpeg.read_frames(
        path, width=width, height=height, options=options, filters=filters, rgb=False, limit=_FRAMES, timeout_s=50
    ):
        np.maximum(brightest, frame, out=brightest)
    rows = np.percentile(brightest, 98, axis=1) > _BLACK
    columns = np.percentile(brightest, 98, axis=0) > _BLACK
    if not rows.any() or not columns.any():
        return 0, 0, 0, 0
    top, bottom = int(rows.argmax()), int(rows[::-1].argmax())
    left, right = int(columns.argmax()), int(columns[::-1].argmax())
    found = [_bar(side, size) for side, size in ((left, width), (top, height), (right, width), (bottom, height))]
    return found[0], found[1], found[2], found[3]


def _bar(side: int, size: int) -> int:
    return side - side % 2 if _LEAST_PX <= side <= _MOST * size else 0
