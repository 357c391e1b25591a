"""Edits carried out: pure functions on drafts, one for each kind, and what each of them touched.

`apply` never changes the timeline that it is given. An edit that cannot be done leaves the timeline as it is, and says
why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..replies import Said
from ..timeline import Timeline
from . import cutting, framing, levels, placing, titles
from .context import Context, File, Touched
from .describe import describe
from .placing import place_file, place_score
from .values import (
    SERVED,
    AddTitle,
    Aspect,
    ChangeScore,
    ChangeTitle,
    ChooseTake,
    CropBars,
    CutOut,
    Describe,
    Duck,
    Edit,
    Fade,
    Join,
    MakeScore,
    Mute,
    Redo,
    RemoveScore,
    RemoveTitle,
    Reorder,
    Rotate,
    SetLevel,
    SetLoop,
    Slideshow,
    Speed,
    StartOver,
    Trim,
    Undo,
    UseOwnMusic,
    Visual,
    edit_reader,
)  # fmt: skip

__all__ = [
    "SERVED", "AddTitle", "Aspect", "ChangeScore", "ChangeTitle", "ChooseTake", "Context", "CropBars", "CutOut",
    "Describe", "Duck", "Edit", "Fade", "File", "Join", "MakeScore", "Mute", "Redo", "RemoveScore", "RemoveTitle",
    "Reorder", "Rotate", "SetLevel", "SetLoop", "Slideshow", "Speed", "StartOver", "Trim", "Undo", "UseOwnMusic",
    "Visual", "apply", "edit_reader", "place_file", "place_score", "touched",
]  # fmt: skip

_Doing = Callable[[Any, Timeline, Context], tuple[Timeline, Said]]
_DOING: dict[type, _Doing] = {
    SetLevel: levels.set_level,
    Mute: levels.mute,
    Duck: levels.duck,
    Fade: levels.fade,
    Trim: cutting.trim,
    CutOut: cutting.cut_out,
    Speed: cutting.speed,
    Reorder: cutting.reorder,
    Join: cutting.join,
    Slideshow: cutting.slideshow,
    Aspect: framing.aspect,
    Rotate: framing.rotate,
    CropBars: framing.crop_bars,
    Visual: framing.visual,
    SetLoop: framing.set_loop,
    AddTitle: titles.add_title,
    ChangeTitle: titles.change_title,
    RemoveTitle: titles.remove_title,
    RemoveScore: placing.remove_score,
    UseOwnMusic: placing.use_own_music,
    Describe: lambda edit, timeline, context: (timeline, describe(timeline, context)),
}


def apply(edit: Edit, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    """The timeline after an edit, and what to tell the user, with numbers in it.

    Raises TypeError for the edits of `SERVED`: those need the store and the worker.
    """
    doing = _DOING.get(type(edit))
    if doing is None:
        raise TypeError(f"{edit.kind} is carried out by the server")
    return doing(edit, timeline, context)


def touched(edit: Edit) -> Touched | None:
    """What "it" means after this edit; None leaves that as it was."""
    match edit:
        case MakeScore() | ChangeScore() | ChooseTake() | Duck() | RemoveScore() | Visual():
            return "score"
        case AddTitle() | ChangeTitle() | RemoveTitle():
            return "title"
        case SetLevel(target=target) | Mute(target=target) | Fade(target=target):
            found: dict[str, Touched] = {"original": "original", "own": "own", "picture": "picture", "title": "title"}
            return found.get(target, "score")
        case UseOwnMusic():
            return "own"
        case Trim() | CutOut() | Speed() | Aspect() | Rotate() | CropBars() | Reorder() | Join() | Slideshow():
            return "picture"
        case _:
            return None
