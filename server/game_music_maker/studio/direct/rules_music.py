"""Clauses about the music itself: make it, make another, change it. What the words mean is the composer's matter."""

from __future__ import annotations

import re

from ..music.change import as_long_as
from ..numerals import ORDINAL, ordinal, value
from .clause import Clause
from .rules_sound import ONLY, STOPS
from .values import ChangeScore, ChooseTake, Edit, MakeScore, Mute, SetLevel

_COUNT = re.compile(r"(two|three|2|3|两|三|几|several|a few|some|a couple of)")
_CHANGE = re.compile(
    r"\b(?:more|less|calmer|faster|slower|darker|brighter|happier|sadder|lighter|heavier|softer|gentler|"
    r"[a-z]{3,}(?:er|ier)\b(?! sounds?| pot| space)|add|remove|drop|no|without|change|transpose|"
    r"instead|keep|replace|swap|"
    r"use|section|at <|bpm|tempo|key|loop|make it|fit|match)\b|更|再|点|些|加|去掉|不要|改|换|"
    r"调|保留|减|别|没有|bpm|速度|节奏|循环|段"
)
_STROKE = r"(?:重音|重击|强音|打击音|撞击|重拍|一击)"
ABOUT_SCORE = re.compile(
    r"(?<![a-z])bpm\b|\btempo\b"
    r"|\b(?:largo|lento|adagio|andante|moderato|allegretto|allegro|vivace|presto|dorian|phrygian|lydian|mixolydian)\b|[广慢柔行中快急]板"
    r"|\b(?:in|to) (?:the key of )?[a-g](?: ?(?:sharp|flat|#|b))? ?(?:major|"
    r"minor)\b|\bkey\b|\bmajor\b|\bminor\b|"
    r"\b\d/[48]\b|\bwaltz\b|\bmelody\b|\bsection\b|\bchorus\b|\bverse\b|\bbridge\b|\bseed\b|\bintro\b|\bending\b|"
    r"\boctaves?\b|八度|风格|曲风|\bstyle\b|\bgenre\b|\btranspos|\bpitch\b|[升降].{0,3}(?:调|半音|全音)|音?调子?[也再]?[高低]一?[点些]|移调|转调|大调|小调|拍子?|节拍|华尔兹|圆舞曲|种子|和弦|和声|\bchords?\b|\bharmon(?:y|ies)\b|最后一段|旋律|速度|节奏|副歌|主歌|前奏|尾声|第.段|乐器|变奏"
    r"|\b(?:hit|accent|impact|boom|strike|slam)s? (?:[a-z]+ ){0,2}(?:at|on) (?:the )?<t"
    rf"|<t\d+>.{{0,14}}?{_STROKE}|{_STROKE}.{{0,6}}?<t\d+>|{STOPS}|\bdrop at <t"
)
_FIT = re.compile(
    r"(?:re-?make|fit|re-?fit|adapt|adjust|extend|stretch|match|make) (?:the )?(?:music|score|"
    r"soundtrack|it)\b.*\b(?:length|duration|"
    r"cut|picture|video|longer|shorter)|\b(?:end|stop|finish)(?:s|ing)? (?:when|with|as|at the end of|together with) "
    r"the (?:video|clip|footage|picture)|[跟和与](?:视频|画面).{0,4}(?:一起|同时)结束"
    r"|(?:让|把)?(?:音乐|配乐).{0,6}(?:适应|匹配|配合|延长|"
    r"适配).{0,6}(?:长度|时长|视频|画面)"
)


def read_other_take(clause: Clause) -> list[Edit] | None:
    """Another take, several takes, one of them."""
    if clause.has("do.choose"):
        after = clause.text
        found = re.search(ORDINAL, after)
        number = ordinal(found.group()) if found else 0
        if not number:
            digit = re.search(r"(\d|one|two|three|[一二三两])", after)
            number = int(value(digit.group())) if digit else 0
        return [ChooseTake(number=number)] if number else None
    if clause.has("do.options") and not clause.has("on.title"):
        found = _COUNT.search(clause.text)
        takes = 2 if found and found.group() in ("two", "2", "两", "a couple of") else 3
        compared = clause.changing or re.search(r"\b(?:more|less)\b|更|为主|多一?点|少一?点", clause.text)
        again = clause.reading.score and bool(compared or not set(clause.musical) & {"palette", "mood"})
        text = clause.raw if not again or set(clause.musical) - {"request"} or clause.wishes else ""
        return [MakeScore(text=text, takes=takes, again=again)]
    if clause.has("do.again") and not clause.has("on.title"):
        if not clause.reading.score:
            return [MakeScore(text=clause.raw)]
        return [MakeScore(again=True, text=clause.raw if clause.musical or clause.wishes else "")]
    return None


_OTHER_THING = re.compile(
    r"\b(?:e-?mails?|letters?|essays?|poems?|story|stories|code|reports?|images?|pictures?|"
    r"drawings?|photos?|logos?|stickers?|sandwich|joke|websites?|scripts?|"
    r"articles?|posts?|tweets?|looks?|looking)\b|邮件|写信|文章|代码|作文|首诗|写诗|故事|报告|图片|照片|笑话|程序|网站|论文"
)
_QUESTION = re.compile(
    r"^(?:so |and )?(?:what|who|why|how|when|where|which|is|are|do|does|did|tell me)\b|什么|"
    r"怎么|为什么|谁|哪|吗[?？]?$|如何"
)


def _elsewhere(clause: Clause) -> bool:
    """Music words in a question, or in a wish for something else, are no request for music."""
    if clause.has("on.score"):
        return bool(_QUESTION.search(clause.text)) and not clause.has("do.generate", "do.change")
    return bool(_OTHER_THING.search(clause.text) or _QUESTION.search(clause.text))


def generates(clause: Clause) -> bool:
    """The clause asks for new music in so many words."""
    if not clause.has("do.generate") or (clause.has("on.title") and not clause.has("on.score")):
        return False
    if re.search(r"\btitles?\b|\bcaption|标题|字幕", clause.text) and clause.quotes:
        return False
    if clause.has("do.slideshow", "do.visual", "do.own") or _elsewhere(clause):
        return False
    unwanted = re.search(r"不(?:想|需)?要|不想|不用|\bdon't (?:want|need)\b", clause.text)
    if (ONLY.search(clause.text) or unwanted) and clause.reading.score and not clause.musical:
        return False  # "only the music"
    if clause.reading.score and (clause.numbers("p") or clause.numbers("d")) and not clause.musical:
        return False  # "put the music at 45%"
    fading = clause.has("do.fade", "do.fade_in", "do.fade_out") and not set(clause.musical) - {"request"}
    if fading and not clause.has("on.score"):
        return False
    return clause.has("on.score") or bool(clause.musical) or bool(re.search(r"\bscore\b|配乐|配.?乐", clause.text))


def read_new(clause: Clause) -> list[Edit] | None:
    """A new score: verb and music words, with a level where one is named beside it."""
    if not generates(clause) or (clause.targets and clause.targets[0] == "original" and not clause.has("on.score")):
        return None
    return _made(clause)


def _made(clause: Clause) -> list[Edit]:
    """A new score, and the level that is named beside it."""
    made: list[Edit] = _within_a_stretch(clause) or [MakeScore(text=clause.raw)]
    shares = clause.numbers("p")
    if shares and re.search(r"(?:\bat|volume|音量|\bwith)\D{0,12}<p|<p\d+>\s*(?:volume|音量)", clause.text):
        made.append(SetLevel(target="score", share=min(shares[0], 1)))
    return made


_STRETCH = re.compile(
    r"(?:\bbut )?(?:\b(?:only|just)\b|只在?|仅在?)?\s*(?:\bfrom\b|\bbetween\b|从|在)?\s*<t\d+>"
    r"\s*(?:-|–|~|\bto\b|\band\b|到|至)\s*<t\d+>"
    r"\s*(?:之间|这段|这里|的时候)?"
)


def _within_a_stretch(clause: Clause) -> list[Edit] | None:
    """ "tense music, but only from 0:30 to 1:00", 0:30到1:00配一段紧张的音乐: music that is silent outside of it."""
    found = _STRETCH.search(clause.text)
    if not found or len(clause.when.spans) != 1 or not (ONLY.search(clause.text) or found.start() == 0):
        return None
    start, end = clause.when.spans[0]
    text = Clause(clause.text[: found.start()] + " " + clause.text[found.end() :], clause.reading).raw
    made: list[Edit] = [MakeScore(text=text)]
    made += [Mute(target="music", end_ms=start)] if start else []
    return [*made, *([Mute(target="music", start_ms=end)] if end else [])]


def read_change(clause: Clause) -> list[Edit] | None:
    """A change of the score that is there, or a bare description, which makes one."""
    kinds = set(clause.musical)
    short = len(clause.text.split()) <= 3  # "quick" in a long sentence is no wish for the music
    about = bool(kinds - {"pace"}) or (bool(kinds) and short) or clause.changing
    about = about or bool(ABOUT_SCORE.search(clause.text) or _FIT.search(clause.text))
    about = about or (not clause.reading.filmed and bool(as_long_as(clause.raw.lower())[0]))
    loop = re.search(r"\bloop|循环|无缝", clause.text)
    compares = clause.has("is.bigger", "is.smaller", "is.brighter", "is.darker", "do.speed", "is.faster", "is.slower")
    named = clause.has("on.score") and (clause.starting("do.") or compares or _CHANGE.search(clause.text))
    touched = clause.reading.last == "score"
    if not (about or loop or named or (touched and compares)) or _elsewhere(clause):
        return None
    if clause.quotes and not clause.has("on.score"):
        return None
    if clause.has("on.picture") and not (
        clause.has("on.score")
        or kinds - {"pace", "request"}
        or ABOUT_SCORE.search(clause.text)
        or _FIT.search(clause.text)
    ):
        return None  # "shuffle the clips"
    if clause.reading.score:
        descriptive = clause.has("on.score") and not _CHANGE.search(clause.text) and not clause.starting("do.")
        if descriptive and set(clause.musical) & {"palette", "mood"}:
            return [MakeScore(text=clause.raw)]
        return [ChangeScore(text=clause.raw)]
    if kinds == {"pace"} and re.search(r"\btoo\b|太", clause.text) and not clause.has("on.score"):
        return None  # "too slow": of the picture
    described = kinds & {"palette", "mood", "instrument", "pace"} or clause.has("on.score") or loop or clause.changing
    cutting = clause.has("is.crop", "is.fit", "is.aspect", "do.trim", "do.rotate", "do.reorder", "do.join")
    if cutting and not clause.has("on.score"):
        return None
    if described and not clause.has("on.title", "do.remove", "do.cut"):
        return _made(clause)
    return None
