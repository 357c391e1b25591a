"""Intensity over time, read from words: "calm, then epic at 0:30", "quiet until 0:20", 前20秒平静，之后激烈."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from .library import library
from .numbers import moment, seconds_of
from .words import blank, brief_lexicon, either, is_chinese, match


class ArcPoint(BaseModel):
    """Wanted intensity 0–1 at a moment: `at_s` seconds, or `share` 0–1 of the length. `grows`: little by little
    towards the next."""

    model_config = ConfigDict(frozen=True)

    level: float
    at_s: float | None = None
    share: float | None = None
    grows: bool = False


_THEN = r"(?:\b(?:and |but )?then\b|\bafter (?:that|this)\b|\bafterwards?\b|之后|然后|后面|接着|随后|再|才|就)"
_TURNS = (
    (re.compile(rf"(?:\b(?:for|in|during)\s+)?\bthe first\s+(?P<t>{moment('a')})"
                rf"\s*(?:,|:|\bis\b|\bare\b|\bstays?\b)?\s*(?P<x>[^,;.]+?)[\s,;]*{_THEN}\s*"),
     r"at 0:00 \g<x>; at \g<t> "),
    (re.compile(rf"\bfor the first\s+(?P<t>{moment('a')})[\s,;]*{_THEN}\s*"), r"; at \g<t> "),
    (re.compile(rf"\b(?:until|till|up to)\s+(?P<t>{moment('a')})[\s,;]*(?:{_THEN}\s*)?"), r"; at \g<t> "),
    (re.compile(rf"前\s*(?P<t>{moment('a')})\s*(?P<x>[^,，。;；]+?)[\s,，;；]*{_THEN}\s*"), r"在0:00\g<x>；在\g<t>"),
    (re.compile(rf"一?直?到\s*(?P<t>{moment('a')})[\s,，]*{_THEN}\s*"), r"；在\g<t>"),
)  # fmt: skip
"""Turns of phrase in which a moment stands beside what it ends, and the same with each level beside its beginning."""
_CLAUSE = re.compile(
    r"[,.;，。；]|\b(?:and then|then|before|and|but|until|to a|into a|into)\b|然后|接着|随后|再(?=[渐慢变])|而后|但"
)
_AT = re.compile(rf"(?:\b(?:at|after|from|by|around)\b|从|在|到)?\s*(?:第)?\s*{moment('')}\s*(?:之?后|开始|处|时)?")


def _level(clause: str) -> float | None:
    """The loudness that a clause names, from the words of levels and of moods."""
    lib = library()
    for level in lib.levels.values():
        for word in (*level.en, *level.zh):
            if (word in clause) if is_chinese(word) else re.search(rf"\b{re.escape(word)}\b", clause):
                return level.a
    found, _ = match(clause, brief_lexicon())
    for f in found:
        if f.kind == "mood":
            return lib.moods[f.id].a
        if f.kind == "request" and f.id in ("drop", "build"):
            return 0.95
    return None


def _moment_in(clause: str, hit: re.Match[str]) -> bool:
    """A point in time and no length: "at 0:40", "0:40变激烈", "45秒又平静"."""
    said = re.search(r"at |after |from |by |从|在|到|后|处|开始", hit[0] + " ")
    return bool(said or re.match(r"[\s,，]*(?:变|转|就|又|再|起|爆发|进入)", clause[hit.end() :]))


_GROWS = re.compile(r"\b(?:build|grow|ris|swell|gradual|slow)|渐|慢慢|越来越")
_SHARES = {"start": 0.0, "middle": 0.5, "end": 0.85}


def _arc(text: str) -> tuple[ArcPoint, ...]:
    """Intensity over time: clauses that name both a moment and a level; two points at least, or one with seconds.
    What is said before the first moment holds until then, or grows towards it."""
    for turn, plain in _TURNS:
        text = turn.sub(plain, text)
    points: list[ArcPoint] = []
    first: ArcPoint | None = None
    grows = False
    for number, clause in enumerate(c for c in _CLAUSE.split(text) if c.strip()):
        grows = grows or bool(_GROWS.search(clause))
        level = _level(clause)
        if level is None:
            continue
        if number == 0:
            first = ArcPoint(level=min(level, 0.25) if grows else level, at_s=0.0)
        point = _point(clause, level)
        if point is None and len(points) == 1 and points[0].share == 0.0:
            point = ArcPoint(level=level, share=0.85)
        if point is None:
            continue
        if not points and point.at_s and first is not None and number > 0:
            points.append(first)
        if points:
            points[-1] = points[-1].model_copy(update={"grows": grows})
        points.append(point)
        grows = False
    points = list({(p.at_s, p.share): p for p in points}.values())
    return tuple(points) if len(points) > 1 or (points and points[0].at_s is not None) else ()


def _point(clause: str, level: float) -> ArcPoint | None:
    """The moment that a clause names, in seconds or by a word."""
    if (hit := _AT.search(clause)) and _moment_in(clause, hit):
        return ArcPoint(level=level, at_s=seconds_of(hit, ""))
    for name, words in library().moments.items():
        if any(
            (w in clause) if is_chinese(w) else re.search(rf"\b{re.escape(w)}\b", clause)
            for w in (*words.en, *words.zh)
        ):
            return ArcPoint(level=level, share=_SHARES[name])
    return None


@lru_cache(maxsize=1)
def _one_end() -> re.Pattern[str]:
    """ "start quiet", "ends softly", 开头要安静: a level at one end alone."""
    levels = library().levels.values()
    english = "|".join(re.escape(word) for level in levels for word in level.en)
    chinese = "|".join(re.escape(word) for level in levels for word in level.zh)
    return re.compile(
        r"\b(?P<how>start|begin|open|end|finish|close)(?:s|es|ning|ing)?(?: it)?(?: off| out| up)?"
        rf"(?: very| really| quite)? (?P<word>{english})(?![a-z])"
        rf"|(?P<how2>一?开头|一?开始|起初|结尾|最后|结束)(?:的?时候?|处|得|要)*(?:很|比较|更)?(?P<word2>{chinese})"
    )


def course(text: str) -> tuple[tuple[ArcPoint, ...], str]:
    """Intensity over time, and the text without its moments and without the words for an end that is to differ from all
    the rest."""
    arc = _arc(text)
    for at in re.finditer(moment(""), text):
        if seconds_of(at, "") in {p.at_s for p in arc}:
            text = blank(text, *at.span())
    hit = None if arc else _one_end().search(text)
    if hit is None:
        return arc, text
    level = _level(either(hit, "word")) or 0.0
    rest = 0.65 if level < 0.5 else 0.5
    if re.match(r"start|begin|open|一?开|起初", either(hit, "how")):
        return (ArcPoint(level=level, share=0.0), ArcPoint(level=rest, share=0.3)), blank(text, *hit.span())
    return (ArcPoint(level=rest, share=0.6), ArcPoint(level=level, share=0.9)), blank(text, *hit.span())
