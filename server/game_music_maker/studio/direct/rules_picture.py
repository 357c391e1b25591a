"""Clauses about the picture: length, parts, speed, order, shape."""

from __future__ import annotations

import re
from typing import Any, Literal

from ..numerals import CHINESE_NUMBER, ordinal, value
from .clause import Clause
from .rules_course import cut_out, trim
from .values import (
    Aspect,
    CropBars,
    Edit,
    Fit,
    Join,
    MakeScore,
    Reorder,
    Rotate,
    SetLoop,
    Slideshow,
    Speed,
    Visual,
)  # fmt: skip

_SHAPES: dict[str, tuple[float, float]] = {
    "is.vertical": (9, 16), "is.landscape": (16, 9), "is.square": (1, 1), "is.cinema": (21, 9),
}  # fmt: skip
_NUMBER = rf"(?:\d+|{CHINESE_NUMBER}|one|two|three|four|five|six|seven|eight|nine)"
_PLAYED = re.compile(
    r"slow[ -]?mo|\bplay|forward|lapse|\b(?:normal|double|half|original|regular|full|twice the) speed|"
    r"动作|[快慢]放|倍|快进|正常速度|原速|播放速度"
)
_ALL_OF_IT = re.compile(r"\b(?:everything|overall|all of it|the whole)\b|整体|全部|整个|提速|降速")
"""Beside music that does not exist yet: there is nothing but the picture to be faster than."""
_ORD = rf"(?:\d+(?:st|nd|rd|th)?|first|second|third|fourth|fifth|last|第?{CHINESE_NUMBER}|最后一?)"


def read_picture(clause: Clause) -> list[Edit] | None:
    """Edits of the picture, or None where the clause is about something else."""
    for rule in (_bars, _visual, _loop, _slideshow, _reorder, _join, _rotate, cut_out, trim, _aspect, _speed):
        found = rule(clause)
        if found:
            return found
    return None


def _bars(clause: Clause) -> list[Edit] | None:
    if not clause.has("do.bars") or clause.has("is.blur"):
        return None
    if clause.has("do.remove", "do.cut") or re.search(r"crop|\boff\b|away|裁|切|剪|去|without|no\b", clause.text):
        if re.search(r"<r\d+>", clause.text) or clause.has(*_SHAPES):
            return [Aspect(**_shape(clause), fit="crop")]
        return [CropBars()]
    if re.search(r"restore|bring|\bback\b|恢复", clause.text):
        return [CropBars(on=False)]
    if _HAS_BARS.search(clause.text):
        return [CropBars()]
    return [Aspect(**_shape(clause), fit="fit")]


_HAS_BARS = re.compile(
    r"\b(?:there(?:'s| is| are)|has|have|got|with these|is|are) .{0,12}(?:bars|borders|letterboxe?d?)"
    r"|[有带].{0,4}黑[边条框]"
)
"""A complaint that bars are there."""


def _visual(clause: Clause) -> list[Edit] | None:
    if not clause.has("do.visual"):
        return None
    style: Literal["waveform", "spectrum"] = "waveform"
    if re.search(r"spectrum|equali|frequency|频谱|律动条|\bbars\b", clause.text):
        style = "spectrum"
    return [Visual(style=style)]


def _loop(clause: Clause) -> list[Edit] | None:
    if not clause.has("do.loop_video") or clause.has("on.score"):
        return None
    return [SetLoop()]


def _slideshow(clause: Clause) -> list[Edit] | None:
    if not clause.has("do.slideshow"):
        return None
    when = clause.when
    times = [t for t in (when.length, when.at, when.to, *when.bare) if t]
    shown = next((c.duration_ms for c in clause.reading.timeline.of("video") if c.still), 0.0)
    pace = 1.5 if clause.has("is.slower") else 1 / 1.5 if clause.has("is.faster") else 0.0
    if not times and shown and pace:
        times = [round(shown * pace, -2)]
    stills = len([c for c in clause.reading.timeline.of("video") if c.still])
    stills = stills or len([file for file in clause.reading.context.files if file.kind == "image"])
    if times and stills and re.search(r"\b(?:total|in all|altogether|overall)\b|一共|总共|总长|总时长", clause.text):
        times = [times[0] / stills]
    fade = 0.5 if clause.has("do.join") or re.search(r"cross-?fade|dissolve|fade|淡|叠化", clause.text) else None
    return [Slideshow(seconds=times[0] / 1000 if times else None, crossfade_s=fade)]


_FIRST_TWO, _LAST_TWO = re.compile(r"\bfirst two\b|前[两二2]"), re.compile(r"\blast two\b|[后最][后]?[两二2]")


def _reorder(clause: Clause) -> list[Edit] | None:
    if not clause.has("do.reorder"):
        return None
    text, count = clause.text, clause.reading.pictures
    order = list(range(1, max(count, 1) + 1))
    named = [n for group in clause.reading.lexed.of("n", text) for n in group] or _named(text, count)
    if re.search(r"reverse|flip|倒序|反过来|倒过来|顺序.{0,3}[反倒]", text):
        return [Reorder(order=tuple(reversed(order)))]
    if re.search(r"swap|exchange|switch|交换|调换|对调|互换|换一下|换个?位|对换|换过来|调个?位|调一下位置", text):
        pair = (1, 2) if count == 2 or _FIRST_TWO.search(text) else None
        pair = (count - 1, count) if _LAST_TWO.search(text) else pair
        if len(named) < 2 and pair is None:
            return None
        first, second = named[:2] if len(named) >= 2 else pair or (1, 2)
        if max(first, second) > count:
            return [Reorder(order=(first, second))]
        order[first - 1], order[second - 1] = second, first
        return [Reorder(order=tuple(order))]
    if len(named) > 1 and not re.search(r"before|after|之?前|之?后", text):
        return [Reorder(order=(*named, *(n for n in order if n not in named)))]
    return [_move(text, named, order)] if named else None


def _named(text: str, count: int) -> list[int]:
    """Clip numbers in a clause, in order; "to the first place" names no clip."""
    plain = re.sub(
        (
            r"<[a-z]\d+>|最前面?|第一(?:个|位)?$|\b(?:first|last)\s*$|\b(?:to|at|in) the (?:start|front|end|"
            r"first place)|the last place"
        ),
        " ",
        text,
    )
    words = re.findall(
        rf"(?:片段|视频|素材|图片|照片)\s*(?:\d+|{CHINESE_NUMBER})|"
        rf"第?{CHINESE_NUMBER}(?=[个段张号]|和|与|、|$|\s)|最后一?(?=[个段张])|"
        rf"\b{_ORD}\b(?! (?:the|of))|\b{_NUMBER}\b",
        plain,
    )
    numbers = [_index(word, count) for word in words]
    return [number for number in numbers if number is not None]


def _move(text: str, named: list[int], order: list[int]) -> Reorder:
    moved = named[0]
    rest = [n for n in order if n != moved]
    place = len(rest)
    if re.search(
        r"先(?:放|播|显示|来)|"
        r"\bto the (?:start|front|beginning)|first\s*$|at the (?:start|front|beginning)|最前|到开头|第一(?:个|位)?$",
        text,
    ):
        place = 0
    elif len(named) > 1 and named[1] in rest:
        place = rest.index(named[1]) + (0 if re.search(r"before|之?前", text) else 1)
    return Reorder(order=(*rest[:place], moved, *rest[place:]))


def _index(word: str, count: int) -> int | None:
    word = re.sub(r"^(?:第|(?:片段|视频|素材|图片|照片)\s*)", "", word)
    if word.startswith("最后") or word == "last":
        return count
    try:
        return ordinal(word) if re.search(r"st$|nd$|rd$|th$|first|second|third|fifth", word) else int(value(word))
    except (ValueError, KeyError):
        return None


_HARD = re.compile(
    r"\bno transition|without transition|hard cut|remove (?:the )?(?:transition|cross)|不要转场|去掉转场|硬切|去掉叠化"
)
_SOFT = re.compile(r"cross|dissolve|fade|transition|叠化|淡|溶解|转场|过渡")


def _join(clause: Clause) -> list[Edit] | None:
    if not clause.has("do.join") or clause.has("on.title", "on.score"):
        return None
    near = sorted(set(clause.when.clips))
    after = near[0] if len(near) == 2 and near[1] - near[0] == 1 < clause.reading.pictures - 1 else None
    if not _SOFT.search(clause.text) or _HARD.search(clause.text):
        return [Join(after=after)]
    when = clause.when
    times = [t for t in (when.length, when.to, *when.bare) if t]
    return [Join(transition="crossfade", seconds=min((times[0] / 1000) if times else 0.5, 10), after=after)]


def _rotate(clause: Clause) -> list[Edit] | None:
    if not clause.has("do.rotate") or clause.targets:
        return None
    degrees = clause.numbers("g") or ([90.0] if re.search(r"\b90\b|九十", clause.text) else [])
    degrees = degrees or ([180.0] if re.search(r"\b180\b", clause.text) else [])
    turn = int(degrees[0]) if degrees else 180 if clause.has("is.upside") else 90
    if clause.has("is.normal"):
        turn = 0
    if turn % 90:
        return None
    turn %= 360
    if clause.has("is.left") and turn:
        turn = 360 - turn
    allowed: dict[int, Literal[0, 90, 180, 270]] = {0: 0, 90: 90, 180: 180, 270: 270}
    return [Rotate(degrees=allowed[turn], clip=clause.when.clip)]


def _shape(clause: Clause) -> dict[str, Any]:
    ratios = clause.reading.lexed.of("r", clause.text) or clause.reading.lexed.of("s", clause.text)
    if ratios:
        return {"width": ratios[-1][0], "height": ratios[-1][1]}
    for concept, (width, height) in _SHAPES.items():
        if clause.has(concept):
            return {"width": width, "height": height}
    return {}


def _fit(clause: Clause) -> Fit | None:
    if clause.has("is.blur"):
        return "blur"
    if clause.has("is.fit"):
        return "fit"
    return "crop" if clause.has("is.crop") else None


def _aspect(clause: Clause) -> list[Edit] | None:
    if re.search(r"\bflip|mirror|镜像|翻转", clause.text):
        return None
    shape, fit = _shape(clause), _fit(clause)
    if clause.has("on.title") or clause.targets:
        return None
    if clause.has("is.normal") and re.search(r"aspect|shape|size|ratio|format|比例|尺寸|大小", clause.text):
        return [Aspect(original=True)]
    if shape:
        return [Aspect(**shape, fit=fit)]
    if fit and (fit == "blur" or clause.has("is.aspect", "on.picture", "on.it")) and not clause.musical:
        return [Aspect(fit=fit)]
    plainly = not [d for d in clause.starting("do.") if d not in ("remove", "cut", "add", "bars", "change")]
    if fit and not clause.musical and (clause.reading.last == "picture" or plainly):
        return [Aspect(fit=fit)]
    return None


def _speed(clause: Clause) -> list[Edit] | None:
    music = "music" in clause.targets or clause.has("on.score")
    of_picture = clause.has("on.picture") or bool(_PLAYED.search(clause.text)) or bool(clause.when.spans)
    new = any(isinstance(edit, MakeScore) for edit in clause.reading.edits)
    of_picture = of_picture or bool(new and clause.numbers("p") and _ALL_OF_IT.search(clause.text))
    last_music = clause.reading.last == "score" and not of_picture
    factors = clause.numbers("x") or [float(n) for n in re.findall(r"\bby (\d(?:\.\d+)?)$", clause.text)]
    if music or clause.has("on.title") or not (clause.has("do.speed") or factors):
        return None
    plain = not factors and not clause.numbers("p") and clause.reading.score
    if (last_music or (plain and not clause.reading.pictures)) and not factors:
        return None
    if plain and not of_picture and clause.when.clip is None and clause.reading.last != "picture":
        return None
    start, end = clause.span
    bounds: dict[str, Any] = {"start_ms": start, "end_ms": end, "clip": clause.when.clip}
    complaint = re.search(r"too (slow|fast)|太([慢快])", clause.text)
    if complaint:
        factor = 0.8 if (complaint.group(1) or complaint.group(2)) in ("fast", "快") else 1.25
        return None if factors else [Speed(factor=factor, relative=True, **bounds)]
    slow = clause.has("is.slower") and not (clause.has("is.faster") and re.search(r"faster|快", clause.text))
    if clause.has("is.normal"):
        return [Speed(factor=1, **bounds)]
    if factors:
        factor = 1 / factors[0] if slow and factors[0] > 1 else factors[0]
        return [Speed(factor=min(max(factor, 0.1), 20), **bounds)]
    shares = clause.numbers("p")
    if shares:
        by = re.search(r"by <p|<p\d+> (?:faster|slower)|(?:提速|降速|加速|加快|减速|放慢|快|慢)了?\s*<p", clause.text)
        share = (1 - shares[0] if slow else 1 + shares[0]) if by else shares[0]
        return [Speed(factor=min(max(share, 0.1), 20), **bounds)]
    if clause.has("is.double"):
        return [Speed(factor=0.5 if slow else 2, **bounds)]
    if clause.has("is.half"):
        return [Speed(factor=0.5, **bounds)]
    if re.search(r"slow[ -]?mo|慢动作|慢放", clause.text):
        return [Speed(factor=0.5, **bounds)]
    if re.search(r"time-?lapse|hyper-?lapse|延时", clause.text):
        return [Speed(factor=8, **bounds)]
    step = 1.15 if clause.has("is.little") else 2.0 if clause.has("is.much") else 1.25
    return [Speed(factor=round(1 / step, 4) if slow else step, relative=True, **bounds)]
