"""Clauses about the tune and its chords: who plays it, another one, other harmony; and how busy one instrument is."""

from __future__ import annotations

import re

from .change import Change
from .words import Found, blank, change_lexicon, match

_TUNE = (
    r"(?:the |its )?(?:main |lead )?(?:melody|melodies|tune|theme|lead(?: line| part| melody)?)(?![a-z])"
    r"(?! (?:an? )?octave)"
)
_ZH_TUNE = r"(?:主?旋律|主题)"
_PLAYED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:swap|switch|change|give|move|hand|put|play) {_TUNE} (?:over )?(?:to|for|on|into|with)"
        r"(?: an?| the)? (?P<i>[a-z ]+)",
        rf"(?:let|have|make|use)(?: an?| the)? (?P<i>[a-z ]+?) (?:to )?(?:play|sing|carry|take|for|as)s? {_TUNE}",
        rf"(?:let |have )?{_TUNE} (?:should be |be |is )?(?:played |sung )?(?:by|on)(?: an?| the)? (?P<i>[a-z ]+)",
        rf"{_ZH_TUNE}\s*(?:改成|换成|改为|换为|交给|改由|由|让|改用|用)\s*(?P<i>[^\s,，。;；]+?)(?:来)?(?:演奏|弹奏?|吹奏?|拉奏?|$)",
        rf"(?:用|让|由)\s*(?P<i>[^\s,，。;；]+?)\s*(?:来)?(?:演奏|弹奏?|吹奏?|拉奏?|演绎|主奏)\s*{_ZH_TUNE}",
    )
)
_OTHER_TUNE = re.compile(
    rf"\b(?:an? )?(?:new|another|different|other) (?:melody|tune|theme|lead line)\b"
    rf"|\bchange {_TUNE}(?! to| with| for)"
    rf"|\b(?:keep )?(?:everything|all)(?: of it)? (?:but|except) {_TUNE}"
    rf"|换(?:一?[段个条]|掉)?{_ZH_TUNE}(?!由|用)|(?:新|另一?[段个条]|不同)的?{_ZH_TUNE}|重写{_ZH_TUNE}"
)
_OTHER_CHORDS = re.compile(
    r"\b(?:change|use|try|new|different|other|another set of)(?: the| some)?(?: new| different| other)? "
    r"(?:chords?(?: progression)?|harmony|harmonies|progression)\b|\bre-?harmoni[sz]e(?: it)?\b"
    r"|(?:换|改)(?:个|一下|一?[套种组])?(?:和弦|和声)|(?:和弦|和声)(?:换|改)一?[下换个]?|(?:不同|新)的?(?:和弦|和声)"
)
_SAME_CHORDS = re.compile(
    r"\b(?:same|keep the|keep these|leave the) (?:chords?(?: progression)?|harmony|harmonies)\b"
    r"|(?:和弦|和声)(?:保持)?不变"
)
_BUSY = re.compile(
    r"\b(?:(?P<more>busier|denser|more complex|more intricate|more active)"
    r"|(?P<less>simpler|sparser|less busy|half[- ]time)) (?:the )?(?P<i>[a-z ]+)"
    r"|(?:把|让)?(?P<zi>[^\s,，。;；把让]{1,4}?)(?:再|更|弄|写)?"
    r"(?:(?P<zmore>密集?|复杂|花哨?)|(?P<zless>简单|稀疏|疏))一?[点些]"
)


def of_tune(clause: str) -> tuple[list[Change], str]:
    """Changes of the tune, its player or its chords, and the rest of the clause."""
    out: list[Change] = []
    for pattern in _PLAYED:
        hit = pattern.search(clause)
        named = _instruments(hit["i"]) if hit else []
        if hit and len(named) == 1:
            out.append(Change(op="voice", word=named[0].id))
            clause = blank(clause, *hit.span())
    for pattern, op in ((_OTHER_TUNE, "tune"), (_OTHER_CHORDS, "chords")):
        if hit := pattern.search(clause):
            out.append(Change.model_validate({"op": op}))
            clause = blank(clause, *hit.span())
    if hit := _SAME_CHORDS.search(clause):
        clause = blank(clause, *hit.span())
    hit = _BUSY.search(clause)
    named = _instruments(hit["i"] or hit["zi"]) if hit else []
    if hit and named:
        more = hit["more"] or hit["zmore"]
        out += [Change(op="density", word=f.id, amount=1.4 if more else 0.6) for f in named]
        clause = blank(clause, *hit.span())
    return out, clause


def _instruments(text: str) -> list[Found]:
    found = match(text, change_lexicon())[0]
    return [f for f in found if f.kind == "instrument"]
