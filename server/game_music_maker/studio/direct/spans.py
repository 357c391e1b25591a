"""Where in the timeline a clause points: spans, points, lengths, cuts, scenes, clips."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..numerals import CHINESE_NUMBER, ORDINAL, ordinal, value
from ..timeline import Timeline
from .context import Context
from .drafting import picture_ms
from .lexer import Lexed

_T = r"(<t\d+>)"
_TO = r"\s*(?:-|–|—|~|to|until|till|through|and|[剪切截播放留]?(?:到|至)|和)\s*(?:第|at )?\s*"
_END = r"(?:the (?:very )?end|end|结束|结尾|末尾|最后|片尾)"
_CUT = r"(?:cuts?|scene changes?|transitions?)"
_ZCUT = r"(?:次|个)?\s*(?:剪辑点|剪切点|切点|镜头切换|画面切换|切换|转场点|剪切|剪辑)"
_THINGS = r"(?:clip|video|image|photo|picture)s?"
_COUNT = rf"(?:\d+|{CHINESE_NUMBER}|one|two|three|four|five|six|seven|eight|nine|ten)"
Span = tuple[float, float | None]


@dataclass(slots=True)
class When:
    """`spans` (start, end in ms, negative from the end, None the end) · `at` a point · `length` a duration ·
    `to` a time after "to" · `bare` times with nothing around them · `clip` a clip's number, −1 the last,
    `clips` all that are named · `whole` "throughout" · `until_end` "till the end" · `unknown` a cut or scene that is
    not there · `rest` the text without all that."""

    spans: list[Span] = field(default_factory=list)
    at: float | None = None
    length: float | None = None
    to: float | None = None
    bare: list[float] = field(default_factory=list)
    clip: int | None = None
    clips: list[int] = field(default_factory=list)
    whole: bool = False
    until_end: bool = False
    unknown: bool = False
    rest: str = ""


class _Reader:
    def __init__(self, text: str, lexed: Lexed, timeline: Timeline, context: Context) -> None:
        self.text, self.lexed, self.when = text, lexed, When()
        self.total = picture_ms(timeline)
        self.clips = timeline.of("video")
        joins = [clip.start_ms for clip in self.clips if clip.start_ms > 0]
        self.cuts = sorted({round(t) for t in (*context.cuts_ms, *joins)})

    def ms(self, token: str) -> float:
        return float(self.lexed.values[token])

    def take(self, pattern: str, act: Callable[[re.Match[str]], None]) -> None:
        def swap(found: re.Match[str]) -> str:
            act(found)
            return " , "

        self.text = re.sub(pattern, swap, self.text)

    def span(self, start: float, end: float | None) -> None:
        self.when.spans.append((start, end))

    def cut(self, word: str) -> float | None:
        """Time of a cut by its ordinal; a missing one is noted."""
        number = ordinal(word) if word else 1
        index = number - 1 if number > 0 else len(self.cuts) + number
        if not 0 <= index < len(self.cuts):
            self.when.unknown = True
            return None
        return float(self.cuts[index])

    def at_cut(self, word: str, how: str) -> None:
        moment = self.cut(word)
        if moment is None:
            return
        if re.match(r"after|from|past|since|之?后|以后|开始|起", how):
            self.span(moment, None)
        elif re.match(r"before|until|up|till|之?前|以前|为止", how):
            self.span(0, moment)
        else:
            self.when.at = moment

    def scene(self, word: str) -> None:
        edges = [0.0, *map(float, self.cuts), self.total]
        number = ordinal(word)
        index = number - 1 if number > 0 else len(edges) - 1 + number
        if 0 <= index < len(edges) - 1:
            self.span(edges[index], edges[index + 1])
        else:
            self.when.unknown = True

    def point(self, at: float) -> None:
        self.when.at = at


def find_when(text: str, lexed: Lexed, timeline: Timeline, context: Context) -> When:
    """Everything about time in a tokenised clause."""
    r = _Reader(text, lexed, timeline, context)
    _named(r)
    _exact(r)
    _points(r)
    r.when.bare = [r.ms(token) for token in re.findall(_T, r.text)]
    r.when.rest = re.sub(_T, " , ", r.text)
    return r.when


def _named(r: _Reader) -> None:
    """Cuts, scenes, clips, halves."""
    r.take(
        rf"(after|before|until|up to|till|from|past|since|at|on)\s+(?:the\s+)?(?:({ORDINAL})\s+)?{_CUT}\b",
        lambda m: r.at_cut(m.group(2) or "", m.group(1)),
    )
    r.take(
        rf"(?:在|从|到)?({ORDINAL}){_ZCUT}\s*(之后|以后|后|开始|起|之前|以前|前|为止|处|时)?",
        lambda m: r.at_cut(m.group(1), m.group(2) or ""),
    )
    r.take(rf"({ORDINAL})\s+(?:scene|shot)\b", lambda m: r.scene(m.group(1)))
    r.take(rf"({ORDINAL})(?:个|段)?(?:镜头|场景)", lambda m: r.scene(m.group(1)))

    def clip(found: re.Match[str]) -> None:
        word = next(g for g in found.groups() if g)
        r.when.clip = ordinal(word) if re.fullmatch(ORDINAL, word) else int(_count(word))
        r.when.clips.append(r.when.clip)

    def clips(found: re.Match[str]) -> None:
        r.when.clips += [ordinal(found.group(1)), ordinal(found.group(2))]
        r.when.clip = r.when.clips[-1]

    def listed(found: re.Match[str]) -> None:
        r.when.clips += r.lexed.values[found.group(1)]
        r.when.clip = r.when.clips[-1]

    r.take(rf"({ORDINAL})\s*(?:,|and|&)+\s*(?:the\s+)?({ORDINAL})\s+{_THINGS}\b", clips)
    r.take(
        rf"(?:\b{_THINGS}|片段|视频|素材|图片|第)\s*(?:numbers? )?(<n\d+>)\s*[段个张]?(?:视频|片段|素材|图片|照片)?",
        listed,
    )

    r.take(rf"(?:the\s+)?({ORDINAL})\s+(?:clip|video|image|photo|picture)\b", clip)
    r.take(rf"\b(?:clip|video|image|photo)\s+(?:number\s+|#)?({_COUNT})(?![\w>])", clip)
    r.take(rf"(?:片段|视频|素材|图片|照片)\s*({_COUNT})(?![\w>])(?!\s*(?:倍|秒|分))|(?:片段|素材)\s*(\d)(?!\d)", clip)
    r.take(rf"({ORDINAL})\s*(?:个|段|张)?(?:视频|片段|素材|图片|照片)|({ORDINAL})段(?!时间)", clip)
    if len(r.clips) > 1:
        deed = r"[加减放提降快慢转剪裁删静去只]"
        r.take(rf"({ORDINAL})个(?=要?{deed}|\s*<x)|(?:the\s+)?({ORDINAL}) one\b", clip)
    _halves(r)


def _halves(r: _Reader) -> None:
    """Parts without a number: the middle clip, the second half, the first third."""
    middle = (len(r.clips) + 1) // 2
    number = r.when.clip
    total = r.total
    if number is not None and len(r.clips) > 1 and (number == -1 or 0 < number <= len(r.clips)):
        total = r.clips[-1 if number == -1 else number - 1].duration_ms

    def in_the_middle(found: re.Match[str]) -> None:
        r.when.clip = middle
        r.when.clips.append(middle)

    if middle > 1:
        r.take(rf"(?:the\s+)?middle {_THINGS}\b|中间(?:那|的)?一?(?:段|个)(?:视频|片段|素材)?", in_the_middle)
    parts = {"third": 1 / 3, "quarter": 1 / 4, "fifth": 1 / 5, "tenth": 1 / 10}

    def share(found: re.Match[str]) -> None:
        size = parts[found.group(2)] if found.group(2) in parts else float(r.lexed.values[found.group(2)])
        opening = re.match(r"first|opening|前|开头", found.group(1))
        r.span(0, total * size) if opening else r.span(-total * size, None)

    r.take(
        rf"(?:the\s+)?(first|opening|last|final)\s+({'|'.join(parts)}|<p\d+>)(?![a-z]|\s*(?:clip|video|image))", share
    )
    r.take(r"(前|开头|最后|后)面?的?\s*(<p\d+>)", share)
    r.take(r"(?:the\s+)?first half|前半(?:段|部分|截)?|上半(?:段|部分)", lambda m: r.span(0, total / 2))
    r.take(
        r"(?:the\s+)?(?:second|last|other) half|后半(?:段|部分|截)?|下半(?:段|部分)",
        lambda m: r.span(total / 2, None),
    )


def _exact(r: _Reader) -> None:
    """Stretches named by time tokens, the more telling phrases first."""
    r.take(rf"(?:from |between |starting at |从|在|第)?\s*{_T}{_TO}{_T}(?:之间|这段|处)?", lambda m: _two(r, m))
    begin = r"(?:start|begin|come|kick|enter)(?:s|ing)?(?: in)?(?: (?:it|the video|the clip))?"
    stop = r"(?:end|stop|finish|leave)(?:s|ing)?(?: it)?"
    r.take(rf"\b{begin} (?:at|from) {_T}\s*(?:,|and)*\s*{stop} (?:at|on) {_T}", lambda m: _two(r, m))
    starts = r"(?:才|再)?(?:开始|响|进来?|出现|起)[响放播]?起?"
    r.take(rf"从?第?\s*{_T}\s*{starts}\s*[,，]?\s*(?:到|在)?\s*{_T}\s*(?:结束|为止|停)[止下掉]?", lambda m: _two(r, m))
    r.take(rf"(?:from |从)?\s*{_T}\s*(?:-|–|to|until|till|到|至)\s*{_END}", lambda m: r.span(r.ms(m.group(1)), None))
    start = r"(?:the\s+)?(?:start|beginning|开头|开始|片头)"
    r.take(rf"(?:from |从)?{start}\s*(?:-|to|until|till|up to|到|至)\s*{_T}", lambda m: r.span(0, r.ms(m.group(1))))
    r.take(rf"(?:the )?(?:first|opening|initial|beginning)\s+{_T}", lambda m: r.span(0, r.ms(m.group(1))))
    r.take(rf"(?:最前面?的?|最?前面?的?|最?开头的?|最?开始的?|头)\s*{_T}", lambda m: r.span(0, r.ms(m.group(1))))
    r.take(rf"{_T}\s+(?:from|at|off|of) the (?:start|beginning|front|intro)", lambda m: r.span(0, r.ms(m.group(1))))
    r.take(rf"(?:the )?(?:last|final|closing|ending)\s+{_T}", lambda m: r.span(-r.ms(m.group(1)), None))
    r.take(rf"{_T}\s+(?:from|at|off|of) the (?:end|back)", lambda m: r.span(-r.ms(m.group(1)), None))
    gone = r"(?:去掉|剪掉|删掉|剪去|切掉|砍掉|少|减掉?|剪)"
    r.take(rf"(?:结尾|末尾|片尾|最后)\s*{gone}\s*{_T}", lambda m: r.span(-r.ms(m.group(1)), None))
    r.take(rf"(?:开头|片头|开始|最前面)\s*{gone}\s*{_T}", lambda m: r.span(0, r.ms(m.group(1))))
    r.take(rf"(?:最后面?的?|末尾的?|结尾的?|尾部的?|片尾的?|倒数)\s*{_T}", lambda m: r.span(-r.ms(m.group(1)), None))
    r.take(rf"(?:从|在|第)?\s*{_T}\s*(?:之后|以后|后|开始|起|往后)", lambda m: r.span(r.ms(m.group(1)), None))
    r.take(rf"后面?\s*{_T}", lambda m: r.span(-r.ms(m.group(1)), None))
    r.take(rf"{_T}\s*(?:之前|以前|为止|前)", lambda m: r.span(0, r.ms(m.group(1))))
    after = r"\b(?:after|from|past|since|beyond|(?:start|beginn)ing (?:at|from))"
    r.take(rf"{after}\s+(?:the\s+)?{_T}(?:\s+(?:on|onwards?|mark))*", lambda m: r.span(r.ms(m.group(1)), None))
    r.take(
        rf"\b(?:until|before|up to|till|prior to)\s+(?:the\s+)?{_T}(?:\s+mark)?", lambda m: r.span(0, r.ms(m.group(1)))
    )


def _points(r: _Reader) -> None:
    """Lengths, moments, goals."""
    when = r.when

    def length(found: re.Match[str]) -> None:
        when.length = r.ms(found.group(1) or found.group(2))

    about = r"(?:about |around |roughly |a |an |大?约)?"
    r.take(rf"\b(?:for|lasting|lasts?|during|over|of|with an?|in)\s+{about}{_T}|{_T}\s+long\b", length)
    r.take(rf"(?:持续|显示|停留|展示|保持|维持|时长|用|各|每张)\s*(?:为|是)?{about}\s*{_T}|{_T}的?时长", length)
    r.take(rf"\b(?:at|@|on|starting)\s+(?:about |around )?{_T}(?:\s+mark)?", lambda m: r.point(r.ms(m.group(1))))
    r.take(
        rf"(?:在|第|于)\s*{_T}\s*(?:处|的?时候|时|的地方|的位置|那里)?|{_T}\s*(?:处|的?时候|时(?!长)|的地方|的位置|那里|(?=在[底顶上下中画屏左右]|结束|停|出现|弹出|打出|冒出|显示|进|加[上个]?(?:字幕|标题|文字)))",
        lambda m: r.point(r.ms(m.group(1) or m.group(2))),
    )

    def to(found: re.Match[str]) -> None:
        when.to = r.ms(found.group(1))

    r.take(rf"(?:\bto|\bdown to|\binto|直到|到|至|成|为)\s*{about}(?:just |only )?{_T}", to)
    r.take(
        r"(?:at|from|in|on)\s+the\s+(?:very\s+)?(?:start|beginning)|(?:在)?(?:一开始|开头|片头|最开始)",
        lambda m: r.point(0),
    )
    r.take(
        r"(?:at|in|on|near)\s+the\s+(?:very\s+)?end(?:ing)?\b|(?:在)?(?:结尾|末尾|片尾|结束时|最后(?!一))",
        lambda m: r.point(-0.001),
    )
    r.take(r"halfway(?: through)?", lambda m: r.point(r.total / 2))

    def until_end(found: re.Match[str]) -> None:
        when.until_end = True

    r.take(rf"\b(?:until|till|to|through) {_END}\b|到(?:最后|结尾|结束|片尾)|到底(?![部下端边])", until_end)

    def whole(found: re.Match[str]) -> None:
        when.whole = True

    r.take(
        r"throughout|(?:the )?(?:whole|entire) (?:video|clip|time|thing|length|timeline)|all the (?:time|way through)|"
        r"全程|始终|一直|整个视频|全片|从头到尾",
        whole,
    )


def _two(r: _Reader, found: re.Match[str]) -> None:
    first, second = r.ms(found.group(1)), r.ms(found.group(2))
    r.span(min(first, second), max(first, second))


def _count(word: str) -> float:
    return value(word)
