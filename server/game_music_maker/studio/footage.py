"""What is known about a media file and what happens in it: values shared by the picture, the music and the words.

`MediaInfo` comes from `picture.probe`, `VideoMap` from `picture.analyse`. No I/O and no numpy here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class VideoStream(_Value):
    """`width`/`height` as coded; `rotation` degrees clockwise that a player applies; `fps` average frames a second."""

    index: int = 0
    codec: str = ""
    profile: str = ""
    pix_fmt: str = ""
    width: int = 0
    height: int = 0
    sar: float = 1.0
    rotation: Literal[0, 90, 180, 270] = 0
    fps: float = 0.0
    variable_rate: bool = False
    color: str = ""

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height as a player shows them, pixel aspect and rotation applied."""
        width, height = round(self.width * self.sar), self.height
        return (height, width) if self.rotation in (90, 270) else (width, height)


class AudioStream(_Value):
    index: int = 0
    codec: str = ""
    rate: int = 0
    channels: int = 0
    layout: str = ""


class MediaInfo(_Value):
    """One media file. `duration_s` is that of the picture where there is one (0 for a still image)."""

    kind: Literal["video", "image", "audio"]
    container: str
    duration_s: float
    size_bytes: int
    video: VideoStream | None = None
    audio: AudioStream | None = None
    animated: bool = False


class Cut(_Value):
    """An event in the picture or its sound at `t` seconds with weight `w` (1 hard cut into a new scene, .5 inside one,
    .25 action peak). `kind` cut, flash, hit (action peak), silence (a silence→sound edge), speech (speech starts)."""

    t: float
    w: float
    kind: Literal["cut", "flash", "hit", "silence", "speech"] = "cut"


class VideoMap(_Value):
    """What the composer follows. Curves are lists over time; spans are (start, end) in seconds.

    Attributes:
        duration: seconds.
        cuts: events, sorted by time, at least 250 ms apart.
        flow: motion 0–1 (percentile within the clip's own range), `flow_hz` values a second.
        flow_raw: mean motion in the units of the look, for reports.
        luma: mean brightness 0–1, `flow_hz` values a second.
        colour: mean saturation 0–1 over the clip.
        loudness: momentary loudness of the clip's own sound in LUFS, `flow_hz` a second; empty without sound.
        speech: spans that sound like speech.
        loud: spans of loud effects.
        scenes: spans between scene changes.
        look: which look made it, "quick", "accurate" or "none" (no footage).
    """

    fps: float = 0.0
    duration: float
    cuts: tuple[Cut, ...] = ()
    flow_hz: float = 10.0
    flow: tuple[float, ...] = ()
    flow_raw: float = 0.0
    luma: tuple[float, ...] = ()
    colour: float = 0.0
    loudness: tuple[float, ...] = ()
    speech: tuple[tuple[float, float], ...] = ()
    loud: tuple[tuple[float, float], ...] = ()
    scenes: tuple[tuple[float, float], ...] = ()
    look: Literal["quick", "accurate", "none"] = "none"
    notes: tuple[str, ...] = Field(default=())


class Asset(_Value):
    """A file of the studio's store that a segment can show or play.

    Attributes:
        id: what `Clip.asset` refers to.
        path: absolute path of the file; for a score its mix (48 kHz stereo float WAV).
        name: readable name, already cleaned.
        kind: ``media`` is the user's, ``score`` is ours.
        info: what the file is; None for a score.
        bed: absolute path of its decoded sound (48 kHz stereo float WAV), where that is still there; else "".
    """

    id: str
    path: str
    name: str
    kind: Literal["media", "score"] = "media"
    info: MediaInfo | None = None
    bed: str = ""
