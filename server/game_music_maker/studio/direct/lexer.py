"""From a message to text in which everything exact is a token.

Quoted words, times, percentages, decibels, ratios, factors, degrees and hex colours are taken out of the message and
stand in it as ``<q0>``, ``<t1>`` and so on, so that the phrase tables see plain words only. `Lexed.raw` puts them back.

kinds: ``q`` quoted text (verbatim) · ``t`` time in ms · ``p`` share (0.35 for 35%) · ``d`` decibels · ``r`` ratio
(width, height) · ``x`` factor · ``g`` degrees · ``c`` colour ``#rrggbb`` · ``s`` size in pixels (width, height) ·
``n`` several small numbers
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..numerals import CHINESE_NUMBER, NUMBER, value
from .spelling import spelled

TOKEN = re.compile(r"<([a-z])(\d+)>")
_QUOTES = re.compile(
    r"“([^”]*)”|„([^“”]*)[“”]|「([^」]*)」|『([^』]*)』|《([^》]*)》|«([^»]*)»|【([^】]*)】|‘([^’]*)’(?![a-z])"
    r'|"([^"]*)"|`([^`]*)`|(?<![\w])\'((?:[^\']|(?<=\w)\'(?=\w))*)\'(?![\w])'
)
_RATIOS = [
    "9:16",
    "16:9",
    "1:1",
    "4:5",
    "5:4",
    "4:3",
    "3:4",
    "21:9",
    "9:21",
    "2:3",
    "3:2",
    "18:9",
    "9:18",
    "2:1",
    "1:2",
    "2.35:1",
    "2.39:1",
    "2.40:1",
    "1.85:1",
    "32:9",
]
_SECONDS = r"(?:seconds?|secs?(?![a-z])|s(?![a-z])|秒钟?)"
_MINUTES = r"(?:minutes?|mins?|m(?![a-z%])|分钟|分(?![之贝辨]))"
_BARE_SPAN = (
    r"(\b(?:trim|keep|cut|cut out|remove|delete|from|only|use)\b(?: it)?(?: to| from)?|"
    r"剪[掉到去切]?|保?留|从|只要|截取|删[掉去除])\s*"
    r"(\d{1,3}(?:\.\d+)?)\s*(?:-|–|—|~|to|到|至)\s*(\d{1,3}(?:\.\d+)?)(?![\d:.%]|\s?(?:x\b|bpm|%|bars?\b|倍|:|段|个|张))"
)
"""Plain numbers where a stretch of the footage is named ("trim 0-45"): seconds."""
_SECOND_END = (
    r"((?:first|last|final|前|后|开头|结尾|最后)\s*\d+(?:\.\d+)?\s*(?:seconds?|secs?|s|秒)[^.!。！\n]{0,20}?"
    r"(?:first|last|final|前|后|开头|结尾|最后)\s*)(\d+(?:\.\d+)?)(?=\s*(?:$|[,.，。!]|off|too|as well|也|都|剪|去|删))"
)
"""The unit said once for both ends ("the first 5 s and the last 3")."""
_BARE_LEVEL = (
    r"((?:\b(?:volumes?|levels?|loudness)|音量|响度)[^<>,，。;；\d]{0,24}?"
    r"(?:\bto|\bat|=|[:：]|到|为|成|至|是|(?<=volume)\s|(?<=音量)\s?)\s*)"
    r"(\d{1,3}|[01]?\.\d+)(?![\d.:%]|\s?(?:%|db|percent|s\b|sec|x\b|分贝|秒|倍|bpm|to\b|到|-))"
)
_NAMES_A_THING = ("last ", "first ", "second ", "third ", "clip ", "clips ", "video ", "image ", "photo ", "take ",
                  "section ", "number ", "#", "片段")  # fmt: skip
"""Before a number: it is no time, but says which one."""
_PARTS = {"quarter": 4, "third": 3, "fifth": 5, "tenth": 10}
_TO = r"\s*(?:-|–|—|~|～|to|until|till|through|到|至)\s*"


@dataclass(frozen=True, slots=True)
class Lexed:
    """`text` with tokens, lower case; `values` by token; `source` the words each token stood for."""

    text: str
    values: dict[str, Any]
    source: dict[str, str]
    message: str = ""

    def raw(self, part: str) -> str:
        """A part of `text` with its tokens put back as they were written."""
        return TOKEN.sub(lambda m: self.source[m.group()], part).strip()

    def written(self, part: str) -> str:
        """A stretch of plain words in the letter case in which the user wrote it."""
        message = unicodedata.normalize("NFKC", self.message)
        at = message.lower().find(part.lower())
        return message[at : at + len(part)] if at >= 0 else part

    def of(self, kind: str, part: str) -> list[Any]:
        """The values of one kind in a part of `text`, in order."""
        return [self.values[m.group()] for m in TOKEN.finditer(part) if m.group(1) == kind]


class _Taker:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.source: dict[str, str] = {}

    def put(self, kind: str, found: Any, source: str) -> str:
        token = f"<{kind}{len(self.values)}>"
        self.values[token], self.source[token] = found, source
        return token

    def take(self, text: str, pattern: str, kind: str, read: Callable[[re.Match[str]], Any]) -> str:
        """Every match of `pattern` becomes a token, but for those that `read` answers with None."""

        def swap(found: re.Match[str]) -> str:
            read_value = read(found)
            if read_value is None:
                return found.group()
            return f" {self.put(kind, read_value, found.group())} "

        return re.sub(pattern, swap, text)


def lex(message: str) -> Lexed:
    """Tokens of a message in either language. Never raises: what it cannot read stays as words."""
    taker = _Taker()
    text = _quotes(message, taker)
    parts = TOKEN.split(text)  # words, kind, number, words, …: only the words are normalised
    text = "".join(
        _plain(part) if i % 3 == 0 else (f" <{part}" if i % 3 == 1 else f"{part}> ") for i, part in enumerate(parts)
    )
    for step in (_colours, _ratios, _levels, _times, _factors, _lists):
        text = step(text, taker)
    return Lexed(re.sub(r"[^\S\n]+", " ", text).strip(), taker.values, taker.source, message)


def _quotes(message: str, taker: _Taker) -> str:
    def swap(found: re.Match[str]) -> str:
        inner = next((g for g in found.groups() if g is not None), "")
        return taker.put("q", inner.strip(), found.group()) if inner.strip() else " "

    cleaned = message.replace("<", "‹").replace(">", "›").replace("＂", '"')
    return _QUOTES.sub(swap, cleaned)


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("‘", "'")
    text = re.sub(r"(?<![强加])大[一1]倍", "更大 翻倍", re.sub(r"小[一1]倍", "缩小一半", text))
    text = re.sub(r"一(?:丢丢|丢|丁点|咪咪|捏捏|丢儿)", "一点点", text)
    text = re.sub(r"\b(do|does|did|is|was|are|would|could|should|ca|wo)nt\b", r"\1n't", text)
    text = re.sub(r"[a-z]{5,}", lambda word: spelled(word.group()), text)
    return re.sub(r"\s*[\r\n]+\s*", "\n", text)


def _colours(text: str, taker: _Taker) -> str:
    def read(found: re.Match[str]) -> str:
        digits = found.group(1)
        return "#" + (digits if len(digits) == 6 else "".join(c * 2 for c in digits))

    return taker.take(text, r"#([0-9a-f]{6}|[0-9a-f]{3})\b", "c", read)


def _ratios(text: str, taker: _Taker) -> str:
    def read(found: re.Match[str]) -> tuple[float, float] | None:
        width, height = found.group(1), found.group(2)
        if f"{width}:{height}" not in _RATIOS:
            return None
        return float(width), float(height)

    def chinese(found: re.Match[str]) -> tuple[float, float] | None:
        width, height = value(found.group(1)), value(found.group(2))
        return (width, height) if f"{width:g}:{height:g}" in _RATIOS else None

    text = taker.take(
        text, r"(?<![\d:.])(\d{3,4})\s?[x×*]\s?(\d{3,4})(?!\d)", "s", lambda m: (int(m.group(1)), int(m.group(2)))
    )
    text = taker.take(text, rf"({CHINESE_NUMBER})比({CHINESE_NUMBER})", "r", chinese)
    # "0:10-9:16" and "at 9:16" name times: a ratio is no neighbour of a range sign or of "at"
    before = r"(?<![\d:.])(?<!\d-)(?<!\d–)(?<!\bat )(?<!from )"
    after = r"(?![\d:.x×]|\s?[-–]\s?\d|\s*(?:time\b|met(?:er|re)|拍))"  # "3/4 time" is a metre
    return taker.take(
        text, rf"{before}(\d{{1,2}}(?:\.\d{{1,2}})?)\s?(?::|x|×|/| by |比)\s?(\d{{1,2}}){after}", "r", read
    )


def _levels(text: str, taker: _Taker) -> str:
    text = taker.take(text, rf"(?<![百下])({CHINESE_NUMBER}|\d+)分之({CHINESE_NUMBER}|\d+)", "p", _fraction)
    text = taker.take(
        text,
        r"(?<![a-z])(?:(a|one|two|three)[\s-](quarter|third|fifth|tenth)s?)(?![a-z]| notes?)",
        "p",
        lambda m: {"a": 1, "one": 1, "two": 2, "three": 3}[m.group(1)] / _PARTS[m.group(2)],
    )
    text = taker.take(text, rf"百分之({NUMBER})", "p", lambda m: value(m.group(1)) / 100)
    text = taker.take(
        text,
        rf"({NUMBER})\s?(?:%|percent(?:age)?(?![a-z])|per cent(?![a-z])|pct(?![a-z]))",
        "p",
        lambda m: value(m.group(1)) / 100,
    )
    text = taker.take(text, r"([一二三四五六七八九])成(?![为功就])", "p", lambda m: value(m.group(1)) / 10)
    text = re.sub(_BARE_LEVEL, lambda m: f"{m.group(1)} {taker.put('p', _share(m.group(2)), m.group(2))} ", text)
    text = taker.take(
        text,
        rf"([-+−]?)\s?({NUMBER})\s?(?:db(?![a-z])|decibels?|分贝)",
        "d",
        lambda m: (-1 if m.group(1) in ("-", "−") else 1) * value(m.group(2)),
    )
    return taker.take(
        text, rf"({NUMBER})\s?(?:°|degrees?(?![a-z])|deg(?![a-z])|度(?!假|过))", "g", lambda m: value(m.group(1))
    )


def _share(number: str) -> float:
    """ "volume 35" and "volume 0.35" are the same level."""
    return float(number) if "." in number else float(number) / 100


def _fraction(found: re.Match[str]) -> float | None:
    below, above = value(found.group(1)), value(found.group(2))
    return above / below if 0 < above <= below else None


def _clock(text: str) -> float:
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return total * 1000


def _times(text: str, taker: _Taker) -> str:
    clock = r"\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?"
    text = taker.take(text, rf"(?<![\d:])({clock})(?!\d|:\d)\s?(?:s(?![a-z])|秒)?", "t", lambda m: _clock(m.group(1)))

    def spread(found: re.Match[str]) -> str:
        unit = 60_000 if re.match(r"m|分", found.group(3)) else 1000
        first, second = value(found.group(1)) * unit, value(found.group(2)) * unit
        opening = taker.put("t", first, found.group(1))
        return f" {opening} - {taker.put('t', second, found.group(2) + found.group(3))} "

    named = "".join(f"(?<!{word})" for word in _NAMES_A_THING)
    text = re.sub(rf"{named}(?:seconds?\s)?({NUMBER}){_TO}({NUMBER})[\s-]?({_SECONDS}|{_MINUTES})", spread, text)
    text = re.sub(rf"(?<=between )(?<!to between )({NUMBER}) and ({NUMBER})[\s-]?({_SECONDS}|{_MINUTES})", spread, text)
    text = re.sub(
        rf"(?<![a-z])seconds?\s(\d+(?:\.\d+)?)(?:{_TO}(?:seconds?\s)?(\d+(?:\.\d+)?))?(?!\s?[\d:%a-z])",
        _worded(taker),
        text,
    )

    def span(found: re.Match[str]) -> str:
        first, second = (taker.put("t", float(found.group(i)) * 1000, found.group(i)) for i in (2, 3))
        return f"{found.group(1)} {first} - {second} "

    text = re.sub(_BARE_SPAN, span, text)
    text = re.sub(_SECOND_END, lambda m: m.group(1) + taker.put("t", float(m.group(2)) * 1000, m.group(2)), text)
    again = r"(from the (?:start|beginning) and (?:another )?)(\d+)(?= (?:from|off|at) the end)"
    text = re.sub(again, lambda m: m.group(1) + taker.put("t", float(m.group(2)) * 1000, m.group(2)), text)
    both = (
        rf"({NUMBER})[\s-]?个?{_MINUTES}\s?(?:and |零|又)?(?:({NUMBER})[\s-]?{_SECONDS}|(半|"
        rf"and a half|\d{{1,2}}(?![\d%])))"
    )
    text = taker.take(text, both, "t", _minutes_seconds)
    text = taker.take(text, rf"({NUMBER})[\s-]?个?{_MINUTES}(?:钟)?", "t", lambda m: value(m.group(1)) * 60_000)
    one = r"(?:(?<=first )|(?<=last )|(?<=final )|(?<=opening ))minute(?!s)"
    text = taker.take(text, one, "t", lambda m: 60_000.0)
    text = taker.take(text, rf"({NUMBER})\s?(?:ms(?![a-z])|milliseconds?|毫秒)", "t", lambda m: value(m.group(1)))
    return taker.take(
        text,
        rf"({NUMBER})[\s-]?个?{_SECONDS}(半(?!速))?(?: and a half)?",
        "t",
        lambda m: (value(m.group(1)) + (0.5 if m.group(2) or m.group().endswith("half") else 0)) * 1000,
    )


_PLACE = rf"(?:clip |第)?(?:\d(?![\da-z:.%])|{CHINESE_NUMBER}(?![秒分倍]))(?:段|个)?(?:视频|片段)?"
_COURSE = re.compile(
    rf"(?:\b(?:start|begin) with|先(?:放|播放?|来|是)?)\s*{_PLACE}"
    rf"(?:\s*[,，、]?\s*(?:and )?(?:then|followed by|(?:再|然后|接着|最后)(?:放|播放?|来|是)?)\s*{_PLACE})+"
)
"""An order of clips told one by one ("start with clip 2, then 3, then 1")."""


def _lists(text: str, taker: _Taker) -> str:
    """ "clips 1 and 3", "2、3、1": several small numbers are clips by number."""

    def told(found: re.Match[str]) -> str:
        numbers = tuple(int(value(n)) for n in re.findall(rf"\d|{CHINESE_NUMBER}", found.group()))
        if len(set(numbers)) < len(numbers):
            return found.group()
        return f" reorder {taker.put('n', numbers, found.group())} "

    text = _COURSE.sub(told, text)
    text = taker.take(
        text,
        r"(?<=order )(?:(?:should be|is|to|as|:)\s*)?(\d(?:\s+\d)+)\b|(?<=顺序)(?:是|为|:)?\s*(\d(?:\s+\d)+)\b",
        "n",
        lambda m: tuple(int(digit) for digit in re.findall(r"\d", m.group())),
    )
    return taker.take(
        text,
        r"(?<![a-z\d.:<])(\d(?:\s*(?:,|、|和|与|&|\band\b)+\s*\d)+)(?![\w.:%]|\s*(?:<|times|bars?|小节))",
        "n",
        lambda m: tuple(int(digit) for digit in re.findall(r"\d", m.group(1))),
    )


def _worded(taker: _Taker) -> Callable[[re.Match[str]], str]:
    """ "second 10 to second 15": the unit stands before its number."""

    def swap(found: re.Match[str]) -> str:
        first = taker.put("t", float(found.group(1)) * 1000, f"second {found.group(1)}")
        if found.group(2) is None:
            return f" {first} "
        return f" {first} - {taker.put('t', float(found.group(2)) * 1000, f'second {found.group(2)}')} "

    return swap


def _minutes_seconds(found: re.Match[str]) -> float:
    minutes = value(found.group(1))
    if found.group(2):
        seconds = value(found.group(2))
    else:
        seconds = 30.0 if not found.group(3).isdigit() else float(found.group(3))
    return (minutes * 60 + seconds) * 1000


def _factors(text: str, taker: _Taker) -> str:
    once = r"(?:了|速)?\s?[一1]倍"
    faster = rf"twice (?:as fast|the speed|as quick(?:ly)?)|(?<!放)(?:加速|提速|加快|快){once}"
    text = taker.take(text, faster, "x", lambda m: 2.0)
    text = taker.take(text, rf"twice as slow(?:ly)?|(?:减速|降速|放慢|慢){once}|慢一半", "x", lambda m: 0.5)
    text = taker.take(
        text,
        r"(?<![\w.])(\d+(?:\.\d+)?)\s?[x×](?![a-z0-9])|(?<![\w.<])x\s?(\d+(?:\.\d+)?)(?![\d.])",
        "x",
        lambda m: float(m.group(1) or m.group(2)),
    )
    text = taker.take(
        text,
        rf"({NUMBER})\s?(?:倍速?|times(?= (?:as |faster|slower|the|speed|bigger|larger|normal))|times(?=\s*$))",
        "x",
        lambda m: value(m.group(1)),
    )
    text = taker.take(text, r"(?:a )?quarter(?: of)?(?: the)? speed|四分之一速度?", "x", lambda m: 0.25)
    return taker.take(text, r"半速|一半(?:的)?速度?|half(?: the)? speed|half as fast", "x", lambda m: 0.5)
