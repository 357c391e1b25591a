"""The sound of a render: which pieces of which files are heard when, given to the mixdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import log10
from pathlib import Path

from ..footage import Asset
from ..sound.feed import MixInput
from ..sound.mixdown import Mix, mixed
from ..timeline import Clip
from .plan import Plan

_CEILING_DBTP = -2.0
_SILENT = 1e-4


@contextmanager
def open_sound(
    plan: Plan, seconds: float, folder: Path, progress: Callable[[float, str], None]
) -> Iterator[Mix | None]:
    """Mix everything that sounds, exactly `seconds` long, on spools in `folder` that go with the context; None where
    nothing sounds at all.

    Raises:
        UnsupportedMedia, DiskFull, and what `progress` raises.
    """
    inputs = sound_inputs(plan)
    if not inputs:
        yield None
        return
    with mixed(
        inputs, seconds, folder, target_lufs=plan.target_lufs, ceiling_dbtp=_CEILING_DBTP,
        seamless=plan.loop and plan.way == "sound", progress=progress,
    ) as mix:  # fmt: skip
        yield mix


def sound_inputs(plan: Plan) -> list[MixInput]:
    """The clips' own sounds and the audio tracks, those at volume 0 left out. Fades of a cross-fade carry
    over."""
    found: list[MixInput] = []
    for i, shot in enumerate(plan.shots):
        if shot.asset is None or shot.info is None or shot.info.audio is None or shot.still:
            continue
        after = plan.shots[i + 1].clip.transition_ms if i + 1 < len(plan.shots) else 0.0
        found += _one(shot.clip, shot.asset, original=True, crossfade_out_s=after / 1000)
    for clip, asset in plan.sounds:
        if asset.info is None or asset.info.audio is not None:
            found += _one(clip, asset, original=False)
    return found


def _one(clip: Clip, asset: Asset, *, original: bool, crossfade_out_s: float = 0.0) -> list[MixInput]:
    volume = 1.0 if clip.volume is None else clip.volume
    if volume < _SILENT:
        return []
    # The bed may have gone since; the clip itself has not.
    decoded = clip.speed == 1 and asset.bed and Path(asset.bed).is_file()
    fade_in = max(clip.fade_in_ms, clip.transition_ms if original else 0.0) / 1000
    return [
        MixInput(
            path=Path(asset.bed if decoded else asset.path),
            start_s=clip.start_ms / 1000,
            length_s=clip.duration_ms / 1000,
            in_s=clip.in_ms / 1000,
            gain_db=20 * log10(volume),
            fade_in_s=fade_in,
            fade_out_s=max(clip.fade_out_ms / 1000, crossfade_out_s),
            duck_db=0.0 if original else max(0.0, clip.duck_db),
            is_original=original,
            speed=clip.speed,
        )
    ]
