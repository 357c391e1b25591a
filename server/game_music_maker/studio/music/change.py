"""One edit of an existing score, as a value, and the edits that count from what is there: tempo, octaves, semitones."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ..numerals import NUMBER, value
from .numbers import moment, seconds_of
from .words import blank, change_lexicon, either, match

Op = Literal["energy", "tempo", "mood", "density", "level", "loop", "unloop", "fade", "hard", "ring",
             "another", "options",
             "keep_theme", "rekey", "up", "mode", "hit", "match", "build", "swing", "bpm", "key", "meter",
             "seed", "exclude", "faster", "vary", "strike", "tune", "voice", "chords", "lift", "drop", "confine",
             "include", "style", "pace", "length", "octave", "gain", "only"]  # fmt: skip


class Change(BaseModel):
    """One edit of a score.

    Attributes:
        op: what to do; `amount` how much (energy −1..1, tempo factor, semitones, bpm, seconds, takes), `word` an id of
            the tables (mood, instrument, palette, mode, metre) or a tonic.
        section: ``"2"`` counted from 1, ``"-1"`` the last, a role (``intro``, ``outro``, ``A``, ``B`` …), None = all.
        start_s, end_s: span of the music in seconds, where a time was named.
        text: the words that asked for it.
    """

    model_config = ConfigDict(frozen=True)

    op: Op
    amount: float | None = None
    word: str | None = None
    mode: str | None = None
    section: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    text: str = ""


_LASTS = re.compile(
    rf"\b(?:make|cut|extend|shorten|stretch|lengthen) (?:it|this|that|the (?:music|score|track|loop|song|whole thing))"
    rf"(?: down| out)?(?: to)?(?: about| around)? (?P<n>{NUMBER})[\s-]*"
    rf"(?P<u>seconds?|secs?|s|minutes?|mins?)\b(?: long)?"
    rf"|(?P<n2>{NUMBER})[\s-]*(?P<u2>seconds?|secs?|minutes?|mins?) long\b"
    rf"|(?:改成|改为|变成|做成|延长到|加长到|缩短到|时长)\s*(?P<n3>{NUMBER})\s*(?P<u3>秒钟?|分钟)长?"
)


def as_long_as(clause: str) -> tuple[list[Change], str]:
    """ "make it 30 seconds long": the length of the whole."""
    hit = _LASTS.search(clause)
    if hit is None or re.search(r"fade|淡", clause):
        return [], clause
    seconds = value(either(hit, "n"))
    seconds *= 60 if re.match(r"min|分", either(hit, "u")) else 1
    return [Change(op="length", amount=min(max(seconds, 1.0), 7200.0))], blank(clause, *hit.span())


_FASTER = re.compile(
    r"(?P<n>\d+)\s*(?:bpm|beats)\s*(?P<way>faster|quicker|slower|up|down)|(?P<way2>[快慢])\s*(?P<n2>\d+)\s*(?:拍|bpm)"
)
_SHARE = r"(?P<{0}>\d+(?:\.\d+)?)\s?(?:%|percent|per cent)"
_FASTER_BY = re.compile(
    rf"{_SHARE.format('n')}\s*(?P<way>faster|quicker|slower)"
    rf"|(?P<way2>faster|quicker|slower|(?:speed|slow)(?:ed|ing)?(?: it| the music| everything)? (?:up|down))"
    rf"(?: by)?\s*{_SHARE.format('n2')}"
    rf"|(?:整体|全部|音乐)?(?P<way3>提速|加快|加速|快|减速|降速|放慢|减慢|慢)了?\s*{_SHARE.format('n3')}"
)


def faster(clause: str) -> tuple[list[Change], str]:
    """ "10 bpm faster", "50% slower": a tempo counted from the present one."""
    if by := _FASTER_BY.search(clause):
        slow = re.match(r"slow|减|降|放|慢", either(by, "way"))
        share = float(either(by, "n")) / 100
        factor = max(1 - share, 0.25) if slow else min(1 + share, 4.0)
        return [Change(op="tempo", amount=factor)], blank(clause, *by.span())
    hit = _FASTER.search(clause)
    if hit is None:
        return [], clause
    amount = float(either(hit, "n"))
    slower = either(hit, "way") in ("slower", "down", "慢")
    return [Change(op="faster", amount=-amount if slower else amount)], blank(clause, *hit.span())


_AT = r"\d{1,2}:\d{2}(?:\.\d+)?"
_TIME = rf"(?:{_AT}|{NUMBER}[\s-]*(?:seconds?|secs?|s(?![a-z])|秒钟?))(?: marks?| in)?"
_AND = r"\s*,?\s*(?:、|和|与|及|&|\band\b)\s*(?:(?:at|on|the|第|在)\s*)*"
_TIMES = rf"{_TIME}(?:{_AND}{_TIME}|\s*,\s*{_AT})*"
_WHAT = r"hits?|accents?|impacts?|booms?|strikes?|slams?|silence|pauses?|breaks?|stop-time|drops?"
_ZH_WHAT = r"重音|重击|强音|打击音|撞击|重拍|一击|停顿|静默|静音一下|停一下|空一拍"
_LANDING = r"(?: (?:right|exactly|landing|that lands?|each|both|the music|the score|it))*"
_STRUCK = re.compile(
    rf"\b(?:an? |one |the |some |two |three )?(?:[a-z]+ )?(?P<what>{_WHAT}){_LANDING}"
    rf" (?:at|on) (?:the )?(?P<t>{_TIMES})"
    rf"|(?:在|于|到)?\s*第?\s*(?P<t2>{_TIMES})\s*(?:处|时|的?时候|的?位置|那里|那儿|上)?[^,，。;；\d]{{0,8}}?"
    rf"(?P<what2>{_ZH_WHAT})(?:一下|音)?"
    rf"|(?P<what3>{_ZH_WHAT})(?:要|得)?(?:落|放|打|加|卡)?(?:在|到)\s*第?\s*(?P<t3>{_TIMES})(?:处|上)?"
)


def struck(text: str, *, drops: bool = True) -> tuple[list[Change], str]:
    """ "a hit at 0:15 and 0:30", 在0:15加一个重音: moments at which the music is to strike, or to stop short; with
    `drops`, from which on it is to be full."""
    out: list[Change] = []
    for hit in _STRUCK.finditer(text):
        what = either(hit, "what")
        if what.startswith("drop") and not drops:
            continue
        kind = "accent" if re.match(r"accent|[重强]音|重拍", what) else "impact"
        kind = "silence" if re.match(r"silence|pause|break|stop|停|静|空", what) else kind
        for at in re.finditer(moment(""), either(hit, "t")):
            place = {"start_s": seconds_of(at, ""), "text": hit[0].strip(" \0")}
            falls = what.startswith("drop")
            out.append(Change(op="drop", **place) if falls else Change(op="strike", word=kind, **place))
        text = blank(text, *hit.span())
    return out, text


_STEPS = {"": 1, "an": 1, "a": 1, "one": 1, "1": 1, "一": 1, "two": 2, "2": 2, "两": 2, "二": 2}
_OCTAVE = re.compile(
    r"(?:(?:by )?\b(?P<n>an?|one|two|1|2) )?octaves? (?P<way>lower|higher|down|up)\b"
    r"|\b(?P<way2>lower|higher|down|up)(?: by)? (?P<n2>an?|one|two|1|2) octaves?"
    r"|(?P<way3>[低高降升])\s*(?P<n3>[一两二12]?)\s*个?八度"
)
_TOO_HIGH = re.compile(
    r"(?:the |its )?(?:leads?|melody|tune|lead line)(?: is| sounds?| plays?)?(?: a bit| way| much)?"
    r" too (?P<way>high|low)\b"
    r"|\b(?P<way2>lower|raise) the (?:lead|melody|tune)\b|主?旋律太(?P<way3>[高低])了?"
)
_LEAD = re.compile(r"\b(?:the )?(?:leads?|melody|tune|theme|lead (?:line|part))\b|主?旋律|主音")


def octaves(clause: str) -> tuple[list[Change], str]:
    """ "lead an octave lower", 主旋律低八度: one part, or all, octaves away; word: an instrument or "lead"."""
    if too := _TOO_HIGH.search(clause):
        down = either(too, "way") in ("high", "lower", "高")
        moved = Change(op="octave", amount=-1 if down else 1, word="lead")
        return [moved], blank(clause, *too.span())
    hit = _OCTAVE.search(clause)
    if hit is None:
        return [], clause
    steps = _STEPS[either(hit, "n")]
    down = either(hit, "way") in ("lower", "down", "低", "降")
    rest = blank(clause, *hit.span())
    lead = _LEAD.search(rest)
    rest = _LEAD.sub(lambda m: "\0" * len(m[0]), rest)
    named = [f for f in match(rest, change_lexicon())[0] if f.kind == "instrument"]
    for f in named:
        rest = blank(rest, f.start, f.end)
    words: list[str | None] = [*(["lead"] if lead else []), *(f.id for f in named)] or [None]
    return [Change(op="octave", amount=-steps if down else steps, word=word) for word in words], rest


_SEMITONES = re.compile(
    rf"(?P<way>(?:transpose (?:it |the music )?)?(?:up|down)|raise|higher|lower|drop)\b"
    rf"[^,;.]{{0,20}}?(?:by )?(?P<n>{NUMBER})\s*(?:semitones?|half[- ]steps?)"
    rf"|(?P<n2>{NUMBER})\s*(?:semitones?|half[- ]steps?)\s*(?P<way2>up|higher|down|lower)"
    r"|(?P<way3>[升高降低])\s*(?P<n3>\d+|[一二两三四五六七])\s*个?半音"
)


def semitones(clause: str) -> tuple[list[Change], str]:
    """ "up three semitones", 降两个半音."""
    hit = _SEMITONES.search(clause)
    if hit is None:
        return [], clause
    steps = value(either(hit, "n"))
    way = either(hit, "way")
    down = way.endswith("down") or way in ("lower", "drop", "降", "低")
    return [Change(op="up", amount=-steps if down else steps)], blank(clause, *hit.span())
