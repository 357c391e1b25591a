"""The one timeline model: `Draft` → `Track` → `Segment`, frozen, unknown keys kept.

On the wire the keys are short (``t, tt, sg, d, m, s, n, v, x``); in code they have readable names. A draft is sent back
to render unchanged: `Draft.to_wire` gives exactly the keys that came in, plus what an edit set.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

VIDEO, AUDIO, TEXT = 0, 1, 7
Kind = Literal["video", "audio", "text", "other"]
KINDS: dict[int, Kind] = {VIDEO: "video", AUDIO: "audio", TEXT: "text"}


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    def to_wire(self) -> dict[str, Any]:
        """The short-key form, without keys that were never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Segment(_Wire):
    """A stretch of one track. Times in ms from the timeline's start; `volume` 0–1."""

    start_ms: float = Field(0, alias="s")
    duration_ms: float = Field(0, alias="d")
    name: str | None = Field(None, alias="n")
    volume: float | None = Field(None, alias="v")
    text: str | None = Field(None, alias="x")
    meta: dict[str, Any] = Field(default_factory=dict, alias="m")

    @property
    def end_ms(self) -> float:
        return self.start_ms + self.duration_ms


class Track(_Wire):
    type: int = Field(VIDEO, alias="tt")
    segments: tuple[Segment, ...] = Field((), alias="sg")
    name: str | None = Field(None, alias="n")

    @property
    def kind(self) -> Kind:
        return KINDS.get(self.type, "other")


class Draft(_Wire):
    tracks: tuple[Track, ...] = Field((), alias="t")
    duration: float | None = Field(None, alias="d")
    meta: dict[str, Any] = Field(default_factory=dict, alias="m")

    @property
    def duration_ms(self) -> float:
        """The end of the last segment, or `d` where no segment says more."""
        ends = [segment.end_ms for track in self.tracks for segment in track.segments]
        return max(ends, default=self.duration or 0)

    @property
    def ready(self) -> bool:
        """Ready for export: some track has a segment."""
        return any(track.segments for track in self.tracks)
