"""Clauses about words on the picture."""

from __future__ import annotations

import re
from typing import Any

from ..timeline import Position
from .clause import Clause
from .drafting import titles_by_touch
from .phrases import scan
from .rules_sound import fades_picture
from .values import AddTitle, ChangeTitle, Edit, RemoveScore, RemoveTitle

_POSITIONS: tuple[Position, ...] = ("lower_third", "top", "bottom", "center")
_SIZES = {"is.huge": 0.2, "is.big": 0.14, "is.small": 0.05}
_UNQUOTED = re.compile(
    r"(?:saying|that says|which says|that reads|reading|says?|called|named|with the (?:text|words)|to (?:say|read)|"
    r"(?:titles?|captions?|subtitles?|text|lower[ -]thirds?|heading)(?: cards?| text| overlay)?\s*[:：]|"
    r"(?:标题|字幕|文字|字|一句话|字样)\s*(?:[:：]|为|叫做?|写着?|是|显示)|"
    r"写着|写上|内容(?:是|为))\s*[:：]?\s*(?P<text>[^<>]+?)\s*"
    r"(?=$|<| (?:at|in|on|for|from|until|with|to) (?:the |a |<)|在(?:顶|底|上|下|中|画|开|结|"
    r"最)|放在|持续|显示(?=\s*<))"
)
_BARE = re.compile(
    r"(?:(?:add|put|insert|show)\s+(?:a |the )?(?:[a-z]+ )?(?:title|caption|subtitle)s?|(?:加|"
    r"添加|加上|加个|插入)(?:一?个)?(?:标题|字幕))\s+(?!for |at |in |on |from |until |"
    r"to )(?P<text>[^<>,]+?)\s*(?=$|,|<| (?:at|in|on|for|from|until|with) (?:the |a |<)|在(?:顶|"
    r"底|上|下|中|开|结))"
)
_WHOLE_WORDS = re.compile(r"(?:caption|subtitle|字幕|说明文字)")
_TO = re.compile(r"(?:\bto\b|改成|改为|换成|换为|变成|替换成|with)\s*(<q\d+>)")


_BOTH = re.compile(r"\band\b|&|,|和|与|跟|、|连同")
_SHOULD = re.compile(
    r"instead|改|换|\b(?:title|caption|text) (?:should|must|needs? to|has to|ought to)\b|"
    r"标题(?:应该|应当|要)[写是改]"
)


def read_title(clause: Clause) -> list[Edit] | None:
    """AddTitle, ChangeTitle or RemoveTitle, or None where the clause is about something else."""
    reading = clause.reading
    two = clause.has("do.change") or re.search(r"should (?:be|say|read)|应该[是写]|应为|->|→", clause.text)
    if len(clause.quotes) > 1 and two and not clause.has("do.add"):
        return [ChangeTitle(find=clause.quotes[0], text=clause.quotes[1])]
    named = clause.has("on.title", "is.lower_third")
    text = clause.quotes[-1] if clause.quotes else None
    about_title = (
        named
        or (text is not None and clause.has("do.add", "is.saying"))
        or (text is not None and clause.has("do.generate") and not (clause.has("on.score") or clause.musical))
        or (text is not None and not clause.starting("do.") and not clause.starting("on."))
    )
    if text and not about_title and not clause.has("do.remove") and _gone(clause):
        return [_add(clause, text)]
    if not about_title:
        follows = (
            reading.last == "title"
            and reading.titles
            and not clause.targets
            and not (clause.has("on.picture") and not clause.when.whole)
            and not clause.has("on.sound")
        )
        if not follows and not (text and clause.has("do.change", "do.remove")):
            return None
        return _follow_up(clause, text)
    burned = re.search(r"watermark|水印|台标|logo", clause.text) and not reading.titles
    if clause.has("do.remove") and burned:
        return None  # a part of the footage
    off = clause.has("do.mute") and clause.has("on.title") and not clause.has("on.sound", "on.original")
    if off and reading.titles:
        return [RemoveTitle(which="last", find=text)]
    if clause.has("do.remove") and not _TO.search(clause.text) and not clause.has("do.add", "do.fade"):
        everything = clause.has("is.all") or re.search(r"titles|captions|subtitles|labels", clause.text)
        gone: list[Edit] = [RemoveTitle(which="all" if everything and not text else "last", find=text)]
        return [*gone, RemoveScore()] if clause.has("on.score") and _BOTH.search(clause.text) else gone
    should = bool(_SHOULD.search(clause.text))
    changes = reading.titles and ((clause.has("do.change") and not clause.has("do.add")) or should)
    if text is None and (found := _unquoted(clause)):
        text, clause = found
    if changes and text and (_TO.search(clause.text) or clause.has("do.change") or should):
        return [ChangeTitle(text=text, **_looks(clause))]
    if text and (clause.quotes or not changes):
        return [_add(clause, text)]
    return _follow_up(clause, None)


def _gone(clause: Clause) -> bool:
    """The title went in the same message: what comes now is a new one."""
    return not clause.reading.titles and any(isinstance(edit, RemoveTitle) for edit in clause.reading.edits)


def _unquoted(clause: Clause) -> tuple[str, Clause] | None:
    """Words without quotes that are to be shown, and the clause without them."""
    found = _UNQUOTED.search(clause.text) or _BARE.search(clause.text)
    if not found:
        return None
    low = found.group("text").strip(" :：,")
    if not low or low in ("it", "this", "something"):
        return None
    low = _until_a_request(low)
    if scan(low) and not Clause(low, clause.reading).residue:
        return None  # "put the title lower"
    at = clause.text.index(low, found.start("text"))
    rest = Clause(f"{clause.text[:at]} , {clause.text[at + len(low) :]}", clause.reading)
    return clause.reading.lexed.written(low), rest


def _until_a_request(text: str) -> str:
    """Unquoted words up to a comma after which something else is asked ("Jane Doe, lead dev" stays whole)."""
    kept, *rest = re.split(r"(?=[,，、])", text)
    for part in rest:
        if scan(part):
            break
        kept += part
    return kept.strip(" ,，、")


def _add(clause: Clause, text: str) -> AddTitle:
    when, looks = clause.when, _like_the_one_before(clause) | _looks(clause)
    start, length = 0.0, 3000.0
    position = looks.pop("position", None) or ("bottom" if _WHOLE_WORDS.search(clause.text) else "center")
    duration: float | None = when.length or (when.bare[0] if when.bare and when.at is not None else None) or length
    if when.spans:
        first, last = when.spans[0]
        start = first
        if when.length is None:
            duration = None if last is None else last - first
            if first < 0 and last is None:
                duration = None
            elif last is None and re.search(r"after|之?后|以后", clause.text):
                duration = length
    elif when.at is not None:
        start = when.at if when.at >= 0 else -(duration or length)
    elif when.bare:
        duration = when.bare[0]
    if when.whole:
        start = 0.0
    if when.whole or when.until_end:
        duration = None
    looks.pop("scale", None)
    looks.pop("lighten", None)
    return AddTitle(text=text, position=position, start_ms=start, duration_ms=duration, **looks)


_HALF = re.compile(r"\bhalf\b|一半|减半")


def _like_the_one_before(clause: Clause) -> dict[str, Any]:
    """ "… and "B" from 0:09 to 0:11": words that are only listed look like the ones before."""
    before = clause.reading.edits[-1] if clause.reading.edits else None
    if not isinstance(before, AddTitle) or clause.has("on.title"):
        return {}
    return before.model_dump(include={"position", "size", "color"}, exclude_none=True)


def _looks(clause: Clause) -> dict[str, Any]:
    """Position, size, colour and fade as they stand in the clause."""
    found: dict[str, Any] = {}
    for position in _POSITIONS:
        if clause.has(f"is.{position}"):
            found["position"] = position
            break
    if clause.has("is.bigger"):
        found["scale"] = 2.0 if clause.has("is.double") else 1.7 if clause.has("is.much") else 1.35
    elif clause.has("is.smaller"):
        found["scale"] = 0.5 if clause.has("is.much", "is.half") or _HALF.search(clause.text) else 0.75
    elif clause.has("is.double") and clause.has("on.title", "on.it"):
        found["scale"] = 2.0
    else:
        size = next((size for concept, size in _SIZES.items() if clause.has(concept)), None)
        if size:
            found["size"] = size
    shares = clause.numbers("p")
    if shares and 0.02 <= shares[0] <= 0.5 and re.search(r"size|height|字号|大小|高度", clause.text):
        found["size"] = shares[0]
    colours = clause.reading.lexed.of("c", clause.text) or clause.starting("color.")
    if colours:
        found["color"] = colours[-1]
    if clause.has("is.brighter"):
        found["lighten"] = 0.4
    elif clause.has("is.darker"):
        found["lighten"] = -0.4
    if clause.has("do.fade", "do.fade_in", "do.fade_out"):
        off = clause.has("do.remove") or re.search(r"\bno\b|without|不要", clause.text)
        found["fade_s"] = 0.0 if off else 0.5
    return found


def _follow_up(clause: Clause, text: str | None) -> list[Edit] | None:
    """Changes of a title that is there: how it looks, when it shows, or that it goes."""
    if clause.has("do.remove") and (clause.has("on.it", "on.title") or text):
        return [RemoveTitle(find=text)]
    if clause.has("do.add") and not clause.reading.titles:
        return None  # something to add, and not said what
    looks = _looks(clause)
    when, times = clause.when, dict[str, Any]()
    plain = not (clause.residue or set(clause.starting("do.")) - {"change", "add"} or clause.starting("on."))
    about_time = (
        plain
        or clause.has("on.title")
        or re.search(
            r"longer|move|shift|移|挪|show|keep|stay|last|appear|hold|start|停留|显示|持续|出现|保持|长", clause.text
        )
    )
    if about_time:
        if when.spans:
            times["start_ms"] = when.spans[0][0]
            if when.spans[0][1] is not None:
                times["duration_ms"] = when.spans[0][1] - when.spans[0][0]
        elif when.at is not None:
            times["start_ms"] = when.at if when.at >= 0 else -3000.0
        goal = when.to if when.to is not None else next(iter(when.bare), None)
        if goal is not None and re.search(r"\b(?:move|shift|start|appear)|移|挪|出现|[改换放]到", clause.text):
            times["start_ms"] = goal
        elif when.length or when.bare or when.to:
            times["duration_ms"] = when.length or when.to or when.bare[0]
        if when.whole:
            times["start_ms"] = 0.0
        if when.whole or when.until_end:
            times["until_end"] = True
    if "fade_s" in looks and (length := times.pop("duration_ms", None) or when.length or next(iter(when.bare), None)):
        looks["fade_s"] = looks["fade_s"] and length / 1000
    if (moved := _moved(clause)) is not None:
        times = {"start_ms": moved}
    if not times and (stretch := _stretch(clause)):
        times["duration_ms"] = stretch
    if text and clause.has("do.change"):
        looks["text"] = text
    if not looks and not times:
        return None
    lower = re.fullmatch(
        r"(?:(?:a bit|a little|slightly|put it|move it|much) )*lower(?: please)?|(?:再|放|稍微)*低一?[点些]",
        clause.text,
    )
    sounding = not lower and clause.has("do.louder", "do.quieter", "do.mute", "do.speed", "do.trim", "do.cut")
    sounding = sounding and not _HELD.search(clause.text)
    cutting = clause.numbers("x") or (clause.has("do.remove") and clause.when.spans and "fade_s" not in looks)
    if not clause.has("on.title") and (sounding or cutting or ("fade_s" in looks and fades_picture(clause))):
        return None
    which = (
        "all" if re.search(r"\ball (?:the )?(?:titles|captions)|(?:所有|全部)的?(?:标题|字幕)", clause.text) else "last"
    )
    return [ChangeTitle(which=which, **looks, **times)]


_HELD = re.compile(r"\b(?:keep|hold|leave) (?:it|that|this|them)(?: (?:there|up|on(?: screen)?))? for <t")
_LATER = re.compile(r"\b(?:later|delay|postpone)|推迟|延后|晚")
_EARLIER = re.compile(r"\b(?:earlier|sooner)\b|提前|早")


def _moved(clause: Clause) -> float | None:
    """Start of the title in ms after "2 seconds later", "earlier"."""
    later, earlier = _LATER.search(clause.text), _EARLIER.search(clause.text)
    starts = [clip.start_ms for clip in titles_by_touch(clause.reading.timeline)]
    starts += [edit.start_ms for edit in clause.reading.edits if isinstance(edit, AddTitle)]
    if not starts or bool(later) == bool(earlier):
        return None
    by = next((t for t in (*clause.when.bare, clause.when.length, clause.when.at) if t), 1000.0)
    return max(0.0, starts[-1] + (by if later else -by))


def _stretch(clause: Clause) -> float | None:
    """Length of the title in ms after "longer" or "shorter"."""
    if clause.has("on.picture") or not re.search(
        r"\b(?:longer|shorter)\b|[长久短]一?[点些]|[更再]?[长久短]$", clause.text
    ):
        return None
    shown = [clip.duration_ms for clip in titles_by_touch(clause.reading.timeline)]
    shown += [edit.duration_ms for edit in clause.reading.edits if isinstance(edit, AddTitle) and edit.duration_ms]
    factor = 1 / 1.5 if re.search(r"\bshorter\b|短", clause.text) else 1.5
    return round(shown[-1] * factor, -2) if shown else None
