"""Numbers in a brief: tempo, key, metre, length, seed, moments. English and Chinese, found by patterns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..numerals import NUMBER, value
from .words import blank, either

_ZH_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "半": 0}
_ZH_NUMBER = r"[零一二两三四五六七八九十百]+"
_NUM = rf"(?:\d+(?:\.\d+)?|{_ZH_NUMBER})"
_COUNT = rf"(?!an?\s+sec){NUMBER}"
"""Words too, before a unit of length; "a second theme" is no length."""
_MODES = {
    "major": "ionian", "maj": "ionian", "大调": "ionian", "minor": "aeolian", "min": "aeolian", "小调": "aeolian",
    "harmonic minor": "harmonic_minor", "melodic minor": "melodic_minor", "phrygian dominant": "phrygian_dominant",
    "和声小调": "harmonic_minor", "旋律小调": "melodic_minor", "whole tone": "whole_tone",
    **{m: m for m in ("ionian", "dorian", "phrygian", "lydian", "mixolydian", "aeolian", "locrian")},
    **{f"pentatonic {m}": f"pentatonic_{m}" for m in ("gong", "shang", "zhi", "yu")},
    "宫调": "pentatonic_gong", "商调": "pentatonic_shang", "徵调": "pentatonic_zhi", "羽调": "pentatonic_yu",
}  # fmt: skip
_MODE_WORDS = "|".join(re.escape(m) for m in sorted(_MODES, key=len, reverse=True))
_KEY = re.compile(
    rf"(?:\b(?:in|key of|key:?)\s+(?:the key of\s+)?)?(?<![a-z0-9])(?P<t>(?!a (?:major|minor) (?:key|mode|scale))[a-g])"
    r"(?P<a>\s?(?:#|♯|b(?![a-z])|♭|sharp|flat))?"
    rf"[\s-]*(?P<m>{_MODE_WORDS})(?![a-z])|(?P<a3>[升降])\s?(?P<t3>[a-g])\s?(?P<m3>{_MODE_WORDS})"
    r"|\b(?:(?:in the )?key of\s+|in\s+(?!a(?:$|[\s,.;!])))(?P<t2>[a-g])(?P<a2>#|♯|b|♭|\s?sharp|\s?flat)?(?=$|[,.;!])"
)
_BPM = re.compile(
    rf"(?:(?:at|to|of|is|=|about|around)\s+)?(?P<n>{NUMBER})\s*(?:bpm|beats per minute|beats a minute)"
    r"|bpm\s*(?:of|=|:|to|at|为|是)?\s*(?P<n2>\d+(?:\.\d+)?)"
    rf"|tempo\s*(?:of|=|:|to|at|is)?\s*(?P<n3>\d+(?:\.\d+)?)|每分钟\s*(?P<n4>{_NUM})\s*拍|(?P<n5>\d{{2,3}})\s*拍(?!子)"
    r"|(?:速度|节奏|拍速)[^\d,，。;；\0]{0,4}?(?:到|成|为|至|是)\s*(?P<n6>\d{2,3})(?![\d%.:]|\s*(?:秒|倍|分|s\b))"
    r"|(?:速度|拍速)\s*[:：]?\s*(?P<n7>\d{2,3})(?![\d%.:]|\s*(?:秒|倍|分|s\b))"
)
_MODE_ALONE = re.compile(
    r"(?<![a-z])(?P<m>dorian|phrygian(?: dominant)?|lydian|mixolydian|aeolian|locrian|ionian"
    r"|harmonic minor|melodic minor|whole tone)(?: (?:mode|scale))?(?![a-z])"
    r"|(?P<m2>和声小调|旋律小调|宫调|商调|徵调|羽调)"
)
_TERMS: dict[str, float] = {
    "largo": 50, "lento": 54, "grave": 40, "adagio": 70, "andante": 92, "andantino": 98, "moderato": 110,
    "allegretto": 116, "allegro": 132, "vivace": 156, "presto": 180, "广板": 50, "慢板": 70, "柔板": 70, "行板": 92,
    "中板": 110, "小快板": 116, "快板": 132, "急板": 180,
}  # fmt: skip
"""Tempo words of scores, in the middle of what metronomes print beside them (Italian and Chinese names)."""
_TERM = re.compile(r"(?<![a-z])(?:" + "|".join(sorted(_TERMS, key=len, reverse=True)) + r")(?![a-z])")
_METER = re.compile(
    r"(?<![\d:])(?P<n>[2345679]|12)\s*/\s*(?P<d>[48])(?!\d)(?:\s*(?:time|meter|metre|time signature|拍子?))?"
    r"|(?P<waltz>\bwaltz\b|华尔兹|圆舞曲|三拍子?)"
    r"|(?P<zd>[四八])分之(?P<zn>[二三四五六七九])(?:拍子?)?|(?P<four>四拍子)|(?P<zn2>[二三四五六七九])(?P<zd2>[四八])拍"
)
_CLOCK = r"(?P<{0}m>\d{{1,2}}):(?P<{0}s>\d{{2}}(?:\.\d+)?)"
_SECONDS = rf"(?P<{{0}}n>{_COUNT})\s*-?\s*(?P<{{0}}u>seconds?|secs?|s(?![a-z])|minutes?|mins?|秒钟?|分钟)"
_SEED = re.compile(r"(?:\bseed|种子)\s*(?:of|=|:|号|为|是)?\s*(\d+)")
_BARS = re.compile(rf"(?P<n>{_COUNT})\s*-?\s*(?:bars?|measures?|小节)(?![a-z])")
_MINSEC = re.compile(
    rf"(?P<m>{_NUM})\s*分(?:钟)?\s*(?P<s>{_NUM})\s*秒|(?P<m2>\d+)\s*min(?:ute)?s?\s*(?:and\s*)?(?P<s2>\d+)\s*s(?:ec(?:ond)?s?)?"
)
_LENGTH = re.compile(
    rf"(?:(?:length|duration|lasting|long|for|时长|长度)\s*(?:of|=|:|is|为|是)?\s*)?"
    rf"(?:{_CLOCK.format('c')}|{_SECONDS.format('w')})(?:\s*(?:long|in length|长|左右))?"
)
_HALF_MINUTE = re.compile(r"half a minute|半分钟")


def zh_number(text: str) -> float:
    """``十二`` → 12, ``一百二十`` → 120; decimal text as it stands."""
    try:
        return float(text)
    except ValueError:
        pass
    total, digit = 0, 0
    for char in text:
        if char in "十百":
            total += (digit or 1) * (10 if char == "十" else 100)
            digit = 0
        else:
            digit = _ZH_DIGITS.get(char, 0)
    return float(total + digit)


@dataclass
class Numbers:
    """What the numbers of a text say; `rest` is the text without them."""

    rest: str
    bpm: float | None = None
    tonic: str | None = None
    mode: str | None = None
    meter: str | None = None
    length_s: float | None = None
    bars: int | None = None
    seed: int | None = None
    found: list[str] = field(default_factory=list)


def seconds_of(hit: re.Match[str], prefix: str) -> float:
    """Seconds of a `_CLOCK` or `_SECONDS` match with the given group prefixes (c… or w…)."""
    groups = hit.groupdict()
    if groups.get(f"{prefix}cm") is not None:
        return int(groups[f"{prefix}cm"]) * 60 + float(groups[f"{prefix}cs"])
    number = value(groups[f"{prefix}wn"])
    return number * 60 if groups[f"{prefix}wu"].startswith(("min", "分")) else number


def moment(prefix: str) -> str:
    """Pattern of a point in time; read it with `seconds_of`."""
    return rf"(?:{_CLOCK.format(prefix + 'c')}|{_SECONDS.format(prefix + 'w')})"


def _accidental(sign: str) -> str:
    sign = sign.strip()
    return "#" if sign in ("#", "♯", "sharp", "升") else "b" if sign in ("b", "♭", "flat", "降") else ""


def _key(out: Numbers) -> None:
    hit = _KEY.search(out.rest)
    if not hit:
        return
    g = hit.groupdict()
    letter = either(hit, "t")
    if g["t"] == "a" and not g["a"] and g["m"] not in ("major", "minor", "大调", "小调") and g["m"] in ("min", "maj"):
        return
    out.tonic = letter.upper() + _accidental(either(hit, "a"))
    mode = either(hit, "m")
    out.mode = _MODES[mode] if mode else None
    out.rest = blank(out.rest, *hit.span())


def _mode(out: Numbers) -> None:
    """ "in dorian": a mode on the tonic that is there."""
    if out.tonic is None and (hit := _MODE_ALONE.search(out.rest)):
        out.mode = _MODES[either(hit, "m")]
        out.rest = blank(out.rest, *hit.span())


def _meter(out: Numbers) -> None:
    hit = _METER.search(out.rest)
    if not hit:
        return
    zh = dict(zip("二三四五六七八九", "23456789", strict=True))
    g = hit.groupdict()
    if g["n"]:
        out.meter = f"{g['n']}/{g['d']}"
    elif g["waltz"]:
        out.meter = "3/4"
    elif g["four"]:
        out.meter = "4/4"
    else:
        out.meter = f"{zh[either(hit, 'zn')]}/{zh[either(hit, 'zd')]}"
    out.rest = blank(out.rest, *hit.span())


_DECADE = re.compile(r"\b(?:19)?[6-9]0s(?=\s+(?!long|of|clip|video|loop|in length|please)[a-z])")


_POINT = re.compile(r"(?:\b(?:at|after|from|before|until|till|by)|[在从第])\s*$")
"""What stands before a moment, which is no length."""


def _length(out: Numbers) -> None:
    if _DECADE.search(out.rest):
        return  # "80s music" is a style
    if hit := _MINSEC.search(out.rest):
        minutes, seconds = either(hit, "m"), either(hit, "s")
        out.length_s = zh_number(minutes) * 60 + zh_number(seconds)
    elif hit := _HALF_MINUTE.search(out.rest):
        out.length_s = 30.0
    elif hit := next((h for h in _LENGTH.finditer(out.rest) if not _POINT.search(out.rest[: h.start()])), None):
        out.length_s = seconds_of(hit, "")
    if hit:
        out.rest = blank(out.rest, *hit.span())
    if out.length_s is not None and out.length_s <= 0:
        out.length_s = None


def _meter_ok(meter: str | None) -> bool:
    return meter is None or meter in {f"{n}/{d}" for n in (2, 3, 4, 5, 6, 7, 9, 12) for d in (4, 8)}


def read_numbers(text: str, *, length: bool = True) -> Numbers:
    """Tempo, key, metre, seed and (where `length`) length of a normalised text. Values out of range are left unread."""
    out = Numbers(rest=text)
    if hit := _SEED.search(out.rest):
        out.seed = int(hit[1]) % 2**63
        out.rest = blank(out.rest, *hit.span())
    if hit := _BPM.search(out.rest):
        bpm = value(either(hit, "n"))
        if 20 <= bpm <= 300:
            out.bpm = bpm
            out.rest = blank(out.rest, *hit.span())
    if out.bpm is None and (hit := _TERM.search(out.rest)):
        out.bpm = _TERMS[hit[0]]
        out.rest = blank(out.rest, *hit.span())
    _meter(out)
    if not _meter_ok(out.meter):
        out.meter = None
    _key(out)
    _mode(out)
    if length:
        if hit := _BARS.search(out.rest):
            out.bars = max(1, min(512, int(value(hit["n"]))))
            out.rest = blank(out.rest, *hit.span())
        _length(out)
    return out
