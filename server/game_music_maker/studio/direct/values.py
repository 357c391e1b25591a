"""Edits as values: what a message asks for, before anything is done.

A union of frozen models, told apart by `kind`; `Edit` reads any of them from JSON. Times are ms of the timeline;
a negative time counts from the end (−3000 = three seconds before it), None is the end itself. `Target` names a sound:
``score`` is the music that was composed, ``original`` the clips' own sound, ``own`` a music file of the user,
``music`` the score or, without one, the user's file, ``all`` everything that sounds.

`SERVED` lists the edits that need the store or a worker (`MakeScore`, `ChangeScore`, `ChooseTake`, `Undo`, `Redo`,
`StartOver`): the server carries them out. All others are carried out by `edits.apply`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ...contract.score import ScorePlan
from ..timeline import Position

Target = Literal["score", "original", "own", "music", "all"]
Fit = Literal["crop", "fit", "blur"]
Which = Literal["last", "all"]
Color = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MakeScore(_Value):
    """A new score that takes the place of the old one.

    `text` is the brief in the user's words (`music.brief.read_brief` reads it). With `again` it is another take: the
    brief of the present score with a new seed, `text` (perhaps empty) on top of it. `takes` distinct takes are made,
    the first is placed. `plan` holds fields that the caller gave.
    """

    kind: Literal["make_score"] = "make_score"
    text: str = ""
    takes: Annotated[int, Field(ge=1, le=3)] = 1
    again: bool = False
    plan: ScorePlan | None = None


class ChangeScore(_Value):
    """Changes of the present score, in the user's words (`music.brief.read_changes` reads them)."""

    kind: Literal["change_score"] = "change_score"
    text: str


class ChooseTake(_Value):
    """Place take `number` (1-based, −1 the last) of the takes made for the present score."""

    kind: Literal["choose_take"] = "choose_take"
    number: int


class SetLevel(_Value):
    """Exactly one of: `share` (0–1, absolute), `db` (absolute, 0 = full), `gain_db` (relative to the present level).
    `start_ms`, `end_ms` bound it to a part of the timeline."""

    kind: Literal["set_level"] = "set_level"
    target: Target = "music"
    share: Annotated[float, Field(ge=0, le=10)] | None = None
    db: float | None = None
    gain_db: float | None = None
    start_ms: float | None = None
    end_ms: float | None = None


class Mute(_Value):
    """Silence a sound, or with `on` false make it heard again; within a part of the timeline where one is named."""

    kind: Literal["mute"] = "mute"
    target: Target = "original"
    on: bool = True
    start_ms: float | None = None
    end_ms: float | None = None


class Duck(_Value):
    """How far the music goes down under speech and loud effects, in dB; 0 turns it off. None: 9 dB, and one step
    more where it ducks already."""

    kind: Literal["duck"] = "duck"
    db: Annotated[float, Field(ge=0, le=40)] | None = None


class Fade(_Value):
    """Seconds of fade; None leaves that side alone. `target` may also be the picture or the words on it."""

    kind: Literal["fade"] = "fade"
    target: Target | Literal["picture", "title"] = "music"
    in_s: Annotated[float, Field(ge=0, le=600)] | None = None
    out_s: Annotated[float, Field(ge=0, le=600)] | None = None


class Trim(_Value):
    """Keep `start_ms`…`end_ms`. `clip`: in that clip alone (1-based), times from its own start."""

    kind: Literal["trim"] = "trim"
    start_ms: float = 0
    end_ms: float | None = None
    clip: int | None = None


class CutOut(_Value):
    """Take `start_ms`…`end_ms` out and close the gap; with `clip` (1-based, −1 the last) of that clip alone, times from
    its own start, and all of it where none is given."""

    kind: Literal["cut_out"] = "cut_out"
    start_ms: float = 0
    end_ms: float | None = None
    clip: int | None = None


class Speed(_Value):
    """`factor` 2 = twice as fast as filmed; with `relative` as fast as now times `factor`. `start_ms`, `end_ms`
    bound it to a part of the timeline, `clip` to one clip (1-based), the part then counted from its own start."""

    kind: Literal["speed"] = "speed"
    factor: Annotated[float, Field(ge=0.1, le=20)]
    relative: bool = False
    start_ms: float | None = None
    end_ms: float | None = None
    clip: int | None = None


class Aspect(_Value):
    """Shape of the picture and how clips meet it; None leaves that alone. `original` goes back to the clip's own."""

    kind: Literal["aspect"] = "aspect"
    width: Annotated[float, Field(gt=0)] | None = None
    height: Annotated[float, Field(gt=0)] | None = None
    fit: Fit | None = None
    original: bool = False


class Rotate(_Value):
    """`degrees` clockwise on top of the present rotation; 0 goes back to as filmed. `clip`: that one alone."""

    kind: Literal["rotate"] = "rotate"
    degrees: Literal[0, 90, 180, 270]
    clip: int | None = None


class CropBars(_Value):
    """Cut black bars off, or with `on` false bring the whole picture back."""

    kind: Literal["crop_bars"] = "crop_bars"
    on: bool = True


class Reorder(_Value):
    """`order`: the present clip numbers (1-based) in their new order, each once."""

    kind: Literal["reorder"] = "reorder"
    order: tuple[int, ...]


class Join(_Value):
    """Clips one after the other, with a hard cut or a cross-fade of `seconds` between them; only where clip number
    `after` ends (1-based), where it is named."""

    kind: Literal["join"] = "join"
    transition: Literal["cut", "crossfade"] = "cut"
    seconds: Annotated[float, Field(gt=0, le=10)] = 0.5
    after: int | None = None


class Slideshow(_Value):
    """How long each still image is shown; None shares out the length of the music (4 s each without music)."""

    kind: Literal["slideshow"] = "slideshow"
    seconds: Annotated[float, Field(gt=0, le=600)] | None = None
    crossfade_s: Annotated[float, Field(ge=0, le=10)] | None = None


class AddTitle(_Value):
    """Words on the picture. `duration_ms` None: until the end. `size` is a share of the picture's height."""

    kind: Literal["add_title"] = "add_title"
    text: str
    position: Position = "center"
    start_ms: float = 0
    duration_ms: float | None = 3000
    size: Annotated[float, Field(ge=0.02, le=0.5)] | None = None
    color: Color | None = None
    fade_s: Annotated[float, Field(ge=0, le=30)] | None = None


class ChangeTitle(_Value):
    """Change words that are there: `find` names them by what they say, otherwise `which`. `scale` multiplies the size,
    `lighten` −1…1 moves the colour towards black or white. `until_end` keeps them to the end."""

    kind: Literal["change_title"] = "change_title"
    which: Which = "last"
    find: str | None = None
    text: str | None = None
    position: Position | None = None
    start_ms: float | None = None
    duration_ms: float | None = None
    until_end: bool = False
    size: Annotated[float, Field(ge=0.02, le=0.5)] | None = None
    scale: float | None = None
    color: Color | None = None
    lighten: float | None = None
    fade_s: Annotated[float, Field(ge=0, le=30)] | None = None


class RemoveTitle(_Value):
    kind: Literal["remove_title"] = "remove_title"
    which: Which = "last"
    find: str | None = None


class RemoveScore(_Value):
    """Take music off the timeline: the score, the user's own file, or (``music``) whichever there is."""

    kind: Literal["remove_score"] = "remove_score"
    target: Literal["score", "own", "music"] = "music"


class UseOwnMusic(_Value):
    """The user's music file as the music; `name` is part of its file name, None the latest one."""

    kind: Literal["use_own_music"] = "use_own_music"
    name: str | None = None


class Visual(_Value):
    """A moving picture of the music, for a score without footage."""

    kind: Literal["visual"] = "visual"
    style: Literal["waveform", "spectrum"] = "waveform"


class SetLoop(_Value):
    """The picture and the music are meant to repeat (``m.loop``)."""

    kind: Literal["set_loop"] = "set_loop"
    on: bool = True


class Undo(_Value):
    kind: Literal["undo"] = "undo"
    steps: Annotated[int, Field(ge=1, le=1000)] = 1


class Redo(_Value):
    kind: Literal["redo"] = "redo"
    steps: Annotated[int, Field(ge=1, le=1000)] = 1


class StartOver(_Value):
    kind: Literal["start_over"] = "start_over"


class Describe(_Value):
    """What is in the timeline."""

    kind: Literal["describe"] = "describe"


Edit = Annotated[
    MakeScore | ChangeScore | ChooseTake | SetLevel | Mute | Duck | Fade | Trim | CutOut | Speed | Aspect | Rotate
    | CropBars | Reorder | Join | Slideshow | AddTitle | ChangeTitle | RemoveTitle | RemoveScore | UseOwnMusic
    | Visual | SetLoop | Undo | Redo | StartOver | Describe,
    Field(discriminator="kind"),
]  # fmt: skip
SERVED = (MakeScore, ChangeScore, ChooseTake, Undo, Redo, StartOver)


def edit_reader() -> TypeAdapter[Edit]:
    """Reads any edit from JSON by its `kind`. Raises pydantic.ValidationError."""
    return TypeAdapter(Edit)
