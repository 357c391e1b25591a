"""The studio's own keys inside the contract's draft, documented here and used nowhere outside the studio.

The model is `contract.draft.Draft`; these classes only give readable names to the keys that the studio adds.

Draft ``m`` (canvas): ``title``, ``width``, ``height`` (pixels; absent = the first clip's own size), ``fit`` (``crop``,
``fit`` or ``blur``: how clips meet the canvas), ``fps``, ``loop`` (the whole is meant to repeat), ``lang``,
``loudness_db`` (how far above or below the usual loudness a file of it comes out).

Segment keys, besides the contract's ``s d n v x m``:

==== ============================== =======================================================================
key  name                           meaning
==== ============================== =======================================================================
a    asset                          id of the asset in the studio's store
i    in_ms                          where in the asset the segment starts, ms of the asset's own time
sp   speed                          1 = as filmed; the segment shows ``d · sp`` ms of the asset
ro   rotate                         degrees clockwise, on top of the file's own rotation: 0, 90, 180, 270
cr   crop                           black bars cut off: left, top, right, bottom in source pixels
tr   transition_ms                  cross-fade from the segment before, ms
pv   visual                         picture made from the music: ``waveform`` or ``spectrum`` (no asset)
st   still                          the asset is a still image
el   elastic                        nobody named the still's length: with others alike it shares out the music's
v    volume                         on a video segment: the level of its own sound (1 where absent)
fi   fade_in_ms                     picture, sound or words fade in
fo   fade_out_ms                    and out
k    role                           of sound: ``score`` (ours) or ``own`` (the user's file)
du   duck_db                        how far this sound goes down under the clip's speech and loud effects
sc   score                          id of the score (take) that the segment plays
po   position                       of words: ``top``, ``center``, ``bottom``, ``lower_third``
sz   size                           of words: share of the canvas height (0.02–0.5)
co   color                          of words: ``#rrggbb``
tn   touch                          of words: counts up; "it" is the title with the highest
==== ============================== =======================================================================
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ..contract.draft import AUDIO, TEXT, VIDEO, Draft, Segment, Track

VIDEO_LUFS, LOOP_LUFS = -14.0, -16.0
SOFTEST_DB, LOUDEST_DB = -40.0, 5.0
Position = Literal["top", "center", "bottom", "lower_third"]


class Clip(Segment):
    """A segment with the studio's keys by name."""

    asset: str | None = Field(None, alias="a")
    in_ms: float = Field(0, alias="i")
    speed: float = Field(1, alias="sp", gt=0)
    rotate: int = Field(0, alias="ro")
    crop: tuple[int, int, int, int] | None = Field(None, alias="cr")
    transition_ms: float = Field(0, alias="tr")
    visual: Literal["waveform", "spectrum"] | None = Field(None, alias="pv")
    still: bool = Field(False, alias="st")
    elastic: bool = Field(False, alias="el")
    fade_in_ms: float = Field(0, alias="fi")
    fade_out_ms: float = Field(0, alias="fo")
    role: Literal["score", "own"] | None = Field(None, alias="k")
    duck_db: float = Field(0, alias="du")
    score: str | None = Field(None, alias="sc")
    position: Position = Field("center", alias="po")
    size: float = Field(0.08, alias="sz")
    color: str = Field("#ffffff", alias="co")
    touch: int = Field(0, alias="tn")


class StudioTrack(Track):
    segments: tuple[Clip, ...] = Field((), alias="sg")


class Timeline(Draft):
    """A draft as the studio edits it. `Timeline.read(draft.to_wire())` and `to_wire()` are inverse."""

    tracks: tuple[StudioTrack, ...] = Field((), alias="t")

    @classmethod
    def read(cls, wire: dict[str, Any] | None) -> Timeline:
        """From the short-key form; None and ``{}`` give an empty timeline."""
        return cls.model_validate(wire or {})

    def of(self, kind: Literal["video", "audio", "text"]) -> list[Clip]:
        """All clips of one kind, in track order."""
        wanted = {"video": VIDEO, "audio": AUDIO, "text": TEXT}[kind]
        return [clip for track in self.tracks if track.type == wanted for clip in track.segments]

    @property
    def loudness_db(self) -> float:
        """How far from the usual loudness a file of this is to come out."""
        asked = self.meta.get("loudness_db", 0)
        return min(LOUDEST_DB, max(SOFTEST_DB, asked)) if isinstance(asked, (int, float)) else 0.0

    @property
    def target_lufs(self) -> float:
        """Integrated loudness of a file of this: −14 LUFS, −16 for loops, unless more or less was asked for."""
        return (LOOP_LUFS if self.meta.get("loop") else VIDEO_LUFS) + self.loudness_db

    @property
    def score_clips(self) -> list[Clip]:
        return [clip for clip in self.of("audio") if clip.role == "score"]
