"""Requests that stand beside each other: which of them are one, and which one makes another needless."""

from __future__ import annotations

import re

from .clause import Clause
from .lexer import TOKEN
from .rules_music import ABOUT_SCORE
from .rules_sound import STEP_DB, fades_picture
from .values import (
    AddTitle,
    Aspect,
    ChangeTitle,
    CropBars,
    CutOut,
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
    Slideshow,
    Speed,
    StartOver,
    Trim,
    Undo,
)  # fmt: skip

_HOLDS = {
    "make_score": {"change_score"}, "add_title": {"change_title", "fade"}, "slideshow": {"join", "fade"},
    "aspect": {"crop_bars", "fit"}, "crop_bars": {"fit"}, "set_level": {"duck"},
}  # fmt: skip
"""Kind of an edit → kinds of which it is the better reading where both belong to one request."""


Read = tuple[Clause, "list[Edit] | None"]
"""A clause and what it was read as."""


def swallows(both: Read, before: Read, piece: Read) -> bool:
    """Read as one, two requests lose something that one of them asks for when read alone."""
    if before[1] and not both[1]:
        return True
    alone, found = _kinds(*piece) if not removes_it(piece[0]) else set(), _kinds(*both)
    held = found.union(*(_HOLDS.get(kind, set()) for kind in found))
    return bool(alone) and not alone | _kinds(*before) <= held


_ABOUT = {
    **dict.fromkeys(("make_score", "change_score", "choose_take", "remove_score", "use_own_music"), "music"),
    **dict.fromkeys(("set_level", "mute", "duck", "fade"), "sound"),
    **dict.fromkeys(("add_title", "change_title", "remove_title"), "words"),
    **dict.fromkeys(("trim", "cut_out", "speed", "reorder", "join", "slideshow"), "course"),
    **dict.fromkeys(("aspect", "crop_bars", "rotate"), "shape"),
}


def strays(before: list[Edit], found: list[Edit] | None) -> bool:
    """What was read is about something else altogether than what it takes the place of."""
    about = [{_ABOUT.get(edit.kind, edit.kind) for edit in edits} for edits in (before, found or ())]
    return bool(before) and about[0].isdisjoint(about[1]) and "words" not in about[0]


def _kinds(clause: Clause, edits: list[Edit] | None) -> set[str]:
    """What a clause certainly asks for. A comparison alone ("a bit less") is of the score only for want of better, a
    fade of the picture or of a stretch is none of a title."""
    vague = not (clause.changing or clause.musical or ABOUT_SCORE.search(clause.text))
    kinds = set()
    for edit in edits or ():
        if isinstance(edit, Aspect) and edit.width is None:
            kinds.add("fit")
        elif isinstance(edit, Fade) and fades_picture(clause):
            kinds.add("fade_of_picture")
        elif not (vague and edit.kind == "change_score"):
            kinds.add(edit.kind)
    return kinds


def removes_it(clause: Clause) -> bool:
    """ "… I don't like the flute, remove it": what was named just before, and not the music."""
    named = clause.targets or clause.quotes or clause.musical or clause.has("on.title", "on.score", "on.picture")
    if named or clause.when.spans or TOKEN.search(clause.text):
        return False
    return clause.starting("do.") == ["remove"] and not clause.residue


def needless(text: str, before: Edit) -> bool:
    """ "1:1, no black bars": cropped to fill has none; "it is upside down, turn it": the complaint says how far."""
    if isinstance(before, CropBars):
        return bool(_JUST_REMOVE.fullmatch(text))
    if isinstance(before, Rotate):
        return bool(_JUST_TURN.fullmatch(text))
    fills = isinstance(before, Aspect) and before.fit in (None, "crop")
    return fills and bool(_BARELESS.fullmatch(text))


_BARELESS = re.compile(r"(?:with )?no (?:black )?bars|without (?:black )?bars|(?:不要|别有|没有|无)黑[边条框]")
_JUST_TURN = re.compile(
    r"(?:please |can you |just )?(?:rotate|turn|flip|fix|straighten) (?:it|this|that)(?: please)?|"
    r"(?:请|帮我|麻烦)?(?:把它)?(?:转一下|[转翻]过来|[摆扶]正|旋转一下)(?:吧|谢谢)?"
)
_JUST_REMOVE = re.compile(
    r"(?:please |can you |just )?(?:remove|crop|cut|get rid of|take) (?:it|this|them|those|that)(?: off| out| away)?"
    r"(?: please)?|(?:请|帮我|麻烦|把它们?)*(?:去掉?|删掉?|裁掉?|切掉?|去除|剪掉?)(?:一下)?(?:吧|谢谢)?"
)
_COMPLAINT = re.compile(
    r"(?:\b(?:is|are|was|were|filmed|shot|recorded)\b|'s\b)(?!.*\b(?:rotate|turn|undo)\b)|拍|[倒横躺侧歪反]着|[倒歪反]了|不要了|不算|作废"
)
_COVERS = re.compile(r"\b(?:drown|cover|bur(?:y|ied)|overpower|over\b)|盖|抢|压[过住着倒]")


def complains(before: str, edits: list[Edit], after: str, next_edits: list[Edit]) -> bool:
    """One says what is wrong, the other what to do about it ("it was filmed sideways, rotate it")."""
    kinds = [[edit.kind for edit in one] for one in (edits, next_edits)]
    if kinds == [["duck"], ["set_level"]]:
        return bool(_COVERS.search(before))
    if _JUST_TURN.fullmatch(after):
        return False
    return kinds[0] == kinds[1] in (["rotate"], ["undo"]) and any(map(_COMPLAINT.search, (before, after)))


_COURSE = (Trim, CutOut, Speed, Reorder, Join, Slideshow)
_OF_PICTURE = (*_COURSE, AddTitle, ChangeTitle, RemoveTitle, Aspect, Rotate, CropBars)


def in_working_order(edits: list[Edit]) -> list[Edit]:
    """The same edits, those that change the picture's course before the music that is made to it: "epic music, and trim
    it to 30 s" is music for the 30 s. Where something is undone, or slides take the music's length, the order stays."""
    if any(isinstance(e, Undo | Redo | StartOver) or (isinstance(e, Slideshow) and not e.seconds) for e in edits):
        return edits
    last = max((i for i, edit in enumerate(edits) if isinstance(edit, _COURSE)), default=-1) + 1
    picture = [edit for edit in edits[:last] if isinstance(edit, _OF_PICTURE)]
    return [*picture, *(edit for edit in edits[:last] if not isinstance(edit, _OF_PICTURE)), *edits[last:]]


def renumbered(edits: list[Edit], count: int) -> list[Edit]:
    """Clip numbers of a message are those that the user sees; after a reorder or a removed clip, edits that follow get
    the number at which that clip then stands."""
    order = list(range(1, count + 1))
    done: list[Edit] = []
    for edit in edits:
        if isinstance(edit, Trim | CutOut | Speed | Rotate) and edit.clip in order:
            edit = edit.model_copy(update={"clip": order.index(edit.clip) + 1})
            if isinstance(edit, CutOut) and edit.start_ms == 0 and edit.end_ms is None:
                del order[(edit.clip or 1) - 1]
        elif isinstance(edit, Reorder) and sorted(edit.order) == list(range(1, len(order) + 1)):
            order = [order[number - 1] for number in edit.order]
        done.append(edit)
    return done


def settled(edits: list[Edit]) -> list[Edit]:
    """A complaint and its remedy ("too loud, turn it down") are one step and not two, what is said twice is done once,
    and "join them" adds nothing to a named way of joining."""
    kept: list[Edit] = []
    for edit in edits:
        before = kept[-1] if kept else None
        if (
            isinstance(edit, SetLevel)
            and isinstance(before, SetLevel)
            and edit.target == before.target
            and (before.gain_db or 0) * (edit.gain_db if edit.gain_db is not None else before.gain_db or 0) > 0
        ):
            if edit.gain_db is not None and abs(edit.gain_db) == STEP_DB:
                continue  # "a bit quieter, it's too loud": the first one says how far
            kept.pop()
        if isinstance(edit, Redo) and isinstance(before, MakeScore) and before.again and not before.text:
            kept.pop()  # "do that again, redo"
        if isinstance(edit, Speed) and isinstance(before, Speed) and before.relative and not edit.relative:
            kept.pop()  # "too slow, 1.5x please"
        if isinstance(edit, Aspect) and edit.width is None and not edit.original and isinstance(before, Aspect):
            if before.fit == "blur" and edit.fit == "fit":
                continue  # "blurred sides, don't cut anything off"
            edit = before.model_copy(update={"fit": edit.fit})
            kept.pop()
        elif isinstance(edit, Aspect) and isinstance(before, Aspect) and before.width is None and edit.fit is None:
            edit = edit.model_copy(update={"fit": before.fit})
            kept.pop()  # "keep the bars, 4:5"
        if isinstance(edit, Join) and isinstance(before, Join):
            if edit.transition == "cut":
                continue
            kept.pop()
        if edit == before and isinstance(edit, Mute | Join | RemoveScore | Duck | Fade):
            continue
        kept.append(edit)
    return kept
