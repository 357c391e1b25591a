"""What the words are read against, besides the timeline: cuts, files, and what was touched last."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..footage import Asset
from ..replies import NOTHING, Said

Touched = Literal["score", "original", "own", "title", "picture"]


@dataclass(frozen=True, slots=True)
class File:
    """A file of the session. `duration_ms` is 0 for a still image; `bars` are its black bars as left, top, right,
    bottom in source pixels, None where nobody has looked; `size` is the picture as shown, (0, 0) unknown."""

    id: str
    name: str
    kind: Literal["video", "image", "audio"]
    duration_ms: float = 0
    has_sound: bool = True
    size: tuple[int, int] = (0, 0)
    bars: tuple[int, int, int, int] | None = None

    @classmethod
    def of(cls, asset: Asset, bars: tuple[int, int, int, int] | None = None) -> File:
        """From an asset of the store; one without `info` (a score) counts as sound."""
        info = asset.info
        if info is None:
            return cls(asset.id, asset.name, "audio")
        return cls(
            asset.id,
            asset.name,
            info.kind,
            duration_ms=info.duration_s * 1000,
            has_sound=info.audio is not None,
            size=info.video.shown_size if info.video else (0, 0),
            bars=bars,
        )


@dataclass(frozen=True, slots=True)
class Context:
    """`cuts_ms` are cuts of the picture in ms of the timeline, joins of clips not among them; `files` in order of
    upload; `last_touched` is what `edits.touched` said of the last edit; `takes` counts the takes of
    the score; `score` describes it."""

    cuts_ms: tuple[float, ...] = ()
    files: tuple[File, ...] = ()
    last_touched: Touched | None = None
    takes: int = 0
    score: Said = NOTHING
    by_id: dict[str, File] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {file.id: file for file in self.files})

    def has_sound(self, asset: str | None) -> bool:
        """Whether an asset sounds; True where nothing is known of it."""
        return asset is not None and (asset not in self.by_id or self.by_id[asset].has_sound)
