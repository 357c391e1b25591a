"""Clauses about which stretches of the footage stay: trim, cut out, keep."""

from __future__ import annotations

import itertools
import re

from ..music.words import unknown
from .clause import Clause
from .rules_sound import ONLY
from .spans import Span
from .values import ChangeScore, CutOut, Edit, Trim

_EXCEPT = re.compile(r"\bexcept\b|\bbut (?:not )?|\bother than\b|\bapart from\b|\boutside\b|除了|以外|之外|其[他它余]")
_BOTH_ENDS = re.compile(
    r"\b(?:both|each|either) (?:ends?|sides?)\b|\b(?:start|beginning) and (?:the )?end\b|\bfirst and (?:the )?last\b|"
    r"掐头去尾|去头去尾|头尾|首尾|开头和结尾|前后各|头和尾"
)


def _both_ends(clause: Clause) -> list[Edit] | None:
    when = clause.when
    times = (*when.bare, when.length, *(abs(start) or end for start, end in when.spans))
    each = next((t for t in times if t), None)
    if not each or len(when.spans) > 1 or not _BOTH_ENDS.search(clause.text):
        return None
    return [CutOut(start_ms=-each), CutOut(end_ms=each)]


def cut_out(clause: Clause) -> list[Edit] | None:
    gone = clause.has("do.cut", "do.remove")
    if not gone or clause.has("on.title", "do.trim") or clause.quotes:
        return None
    if set(clause.targets) - {"all"} and not clause.has("do.cut"):
        return None
    if set(clause.musical) & {"instrument"} and not clause.has("on.picture"):
        return None  # "drop the drums after 0:20"
    if (
        re.search(r"从.{0,8}(?:开始|起)", clause.text)
        and not re.search(r"[掉去删]|移除", clause.text)
        and clause.when.spans
    ):
        return [Trim(start_ms=clause.when.spans[0][0])]
    when = clause.when
    if both := _both_ends(clause):
        return both
    if when.spans and clause.has("do.cut") and re.search(r"\bto (?:its|the) (?:first|second|last)\b", clause.text):
        return [Trim(start_ms=when.spans[0][0], end_ms=when.spans[0][1], clip=when.clip)]
    if when.spans and _EXCEPT.search(clause.text):
        return _keep(when.spans)
    if when.spans:
        spans = sorted(when.spans, key=lambda span: span[0] if span[0] >= 0 else 1e12 + span[0], reverse=True)
        return [CutOut(start_ms=start, end_ms=end, clip=when.clip) for start, end in spans]
    if when.clip is not None:
        last_first = sorted(set(when.clips), key=lambda number: number if number > 0 else 10**6, reverse=True)
        return [CutOut(clip=number) for number in last_first]
    if (when.to or when.at) and clause.has("do.cut") and not clause.targets and not clause.residue:
        return [Trim(end_ms=when.to or when.at)]
    if re.search(r"intro|beginning|start|开头", clause.text) and when.bare:
        return [CutOut(end_ms=when.bare[0])]
    return None


_EACH = re.compile(r"\b(?:each|every|all (?:the )?clips|all of them)\b|每[个一]?(?:个|段)?(?:片段|视频|素材)?|各")


def _only_times(clause: Clause) -> bool:
    """The whole message is a stretch of the picture ("from 0:20 to the end")."""
    plain = clause.concepts <= {"is.polite"} and not clause.musical and not unknown(clause.when.rest)
    whole = clause.text == clause.reading.lexed.text.strip(" ,，。.!！") and not re.search(r"<[^t]\d+>", clause.text)
    return bool(clause.when.spans) and plain and whole and clause.reading.last in (None, "picture")


def trim(clause: Clause) -> list[Edit] | None:
    keeps = clause.when.clips and ONLY.search(clause.text) and not (clause.targets or clause.has("on.title"))
    bare = _only_times(clause) and not clause.reading.edits
    if not clause.has("do.trim") and not keeps and not bare:
        return None
    if clause.has("on.title"):
        return None
    when, text = clause.when, clause.text
    if clause.reading.score and not clause.reading.filmed and _LASTS.search(text):
        return [ChangeScore(text=clause.raw)]  # there is nothing but music to be as long
    taken = re.search(r"\b(?:off|away)\b|<t\d+> from the (?:start|beginning|end|front|back)|掉|去", text)
    if taken and when.spans:
        last_first = sorted(when.spans, key=lambda span: span[0] if span[0] >= 0 else 1e12, reverse=True)
        return [CutOut(start_ms=start, end_ms=end) for start, end in last_first]
    if both := _both_ends(clause):
        return both
    if re.search(r"\b(?:start|beginning|front|intro)\b.*\bby <t|开头.{0,4}[少短]\s*<t", text) and when.bare:
        return [CutOut(end_ms=when.bare[0])]
    if re.search(r"\bby <t|缩短了?\s*<t", text) and when.bare:
        return [Trim(end_ms=-when.bare[0], clip=when.clip)]
    if len(when.spans) > 1 and when.clip is None:
        return _keep(when.spans)
    if when.spans and clause.reading.pictures > 1 and _EACH.search(text):
        start, end = when.spans[0]
        return [Trim(start_ms=start, end_ms=end, clip=n) for n in range(1, clause.reading.pictures + 1)]
    if when.spans:
        start, end = when.spans[0]
        return [Trim(start_ms=start, end_ms=end, clip=when.clip)]
    if re.search(r"\b(?:start|begin)\b|从", text) and when.at:
        return [Trim(start_ms=when.at, clip=when.clip)]
    end = when.to or when.length or when.at or (when.bare[0] if when.bare else None)
    if end:
        return [Trim(end_ms=end, clip=when.clip)]
    kept = {number if number > 0 else clause.reading.pictures for number in when.clips}
    if kept and ONLY.search(text) and max(kept) <= clause.reading.pictures:
        return [CutOut(clip=n) for n in range(clause.reading.pictures, 0, -1) if n not in kept] or None
    return None


_LASTS = re.compile(r"\blong\b|\b(?:longer|extend|stretch|lengthen)|长|延")


def _keep(spans: list[Span]) -> list[Edit]:
    """Several stretches kept: what lies between them goes, the last first so that times stay true."""
    rows = sorted(spans, key=lambda span: span[0] if span[0] >= 0 else 1e12 + span[0])
    if len(rows) == 1:
        return [Trim(start_ms=rows[0][0], end_ms=rows[0][1])]
    gone: list[Span] = [(0.0, rows[0][0])]
    for (_, end), (start, _) in itertools.pairwise(rows):
        if end is not None:
            gone.append((end, start))
    if rows[-1][1] is not None:
        gone.append((rows[-1][1], None))
    return [CutOut(start_ms=start, end_ms=end) for start, end in reversed(gone) if end is None or end > start]
