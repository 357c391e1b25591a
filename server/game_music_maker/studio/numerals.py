"""Numbers in English and Chinese, as digits or words.

`NUMBER` is a regular-expression source that matches one number; `value` reads what it matched. "half", "半", "一半",
"a couple of" are numbers too; so is "两". The text is expected in lower case and NFKC-normalised.
"""

from __future__ import annotations

import re

_UNITS = {
    word: i
    for i, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {
    w: 10 * (i + 2)
    for i, w in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
}
_ENGLISH = {**_UNITS, **_TENS, "fourty": 40, "hundred": 100}
_DIGITS = {**{c: i for i, c in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2, "俩": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}

_ORDINAL_WORDS = {
    **{
        word: i + 1
        for i, word in enumerate(
            ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
        )
    },
    "last": -1,
    "final": -1,
}

_WORD = "|".join(sorted(_ENGLISH, key=len, reverse=True))
CHINESE_NUMBER = r"[零〇一二两三四五六七八九十百千]+(?:点[零〇一二三四五六七八九]+)?"
_THING = (
    r"(?:title|caption|text|line|clip|video|image|take|version|one|section|track|picture|time)\b"  # "a second title"
)
NUMBER = (
    r"(?:\d+(?:\.\d+)?|\.\d+"
    rf"|(?<![a-z])(?:a hundred|(?:{_WORD})(?:[\s-](?:and )?(?:{_WORD}))*)(?: point (?:{_WORD})| and a half)?(?![a-z])"
    r"|(?<![a-z])a couple(?: of)?(?![a-z])"
    rf"|(?<![a-z])(?:half an?|half|an?)(?= (?:second|minute|sec|min)\b(?! {_THING}))"
    rf"|{CHINESE_NUMBER}|半(?=个?(?:秒|分)))"
)
ORDINAL = (
    r"(?:\d+(?:st|nd|rd|th)|(?:" + "|".join(_ORDINAL_WORDS) + r")(?![a-z])"
    rf"|第\s*(?:\d+|{CHINESE_NUMBER})|倒数第一|最后一?|最末)"
)


def value(text: str) -> float:
    """The number that `NUMBER` matched. Raises ValueError for anything else."""
    text = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?|\.\d+", text):
        return float(text)
    if text.startswith("half") or text == "半":
        return 0.5
    if text in ("a", "an"):
        return 1.0
    if text.startswith("a couple"):
        return 2.0
    if text[0] in _DIGITS or text[0] in _PLACES:
        return _chinese(text)
    return _english(text)


def ordinal(text: str) -> int:
    """1 for "first", "1st", "第一"; −1 for "last", "最后". Raises ValueError for anything else."""
    text = text.strip().lower()
    if text in _ORDINAL_WORDS:
        return _ORDINAL_WORDS[text]
    if text.startswith(("最", "倒数")):
        return -1
    if text.startswith("第"):
        return int(value(text[1:]))
    found = re.match(r"\d+", text)
    if not found:
        raise ValueError(f"not an ordinal: {text}")
    return int(found.group())


def _english(text: str) -> float:
    whole, _, rest = text.partition(" point ")
    extra = 0.0
    if whole.endswith(" and a half"):
        whole, extra = whole.removesuffix(" and a half"), 0.5
    total = 0
    for word in re.split(r"[\s-]+", whole):
        if word in ("and", "a"):
            continue
        number = _ENGLISH[word] if word in _ENGLISH else _refuse(text)
        if word == "hundred":
            total = max(total, 1) * 100
        elif 0 < total < 10 and number >= 10:
            total = total * 100 + number  # "one twenty"
        else:
            total += number
    decimals = "".join(str(_UNITS[w]) for w in rest.split()) if rest else ""
    return total + extra + (float(f"0.{decimals}") if decimals else 0.0)


def _chinese(text: str) -> float:
    whole, _, rest = text.partition("点")
    if len(whole) > 1 and not set(whole) & set(_PLACES):
        total = int("".join(str(_DIGITS[c]) for c in whole))  # 三五 read digit by digit
    else:
        total, digit = 0, 0
        for char in whole:
            if char in _PLACES:
                total += (digit or (0 if total and char != "十" else 1)) * _PLACES[char]
                digit = 0
            else:
                digit = _DIGITS[char]
        total += digit
    return total + (float("0." + "".join(str(_DIGITS[c]) for c in rest)) if rest else 0.0)


def _refuse(text: str) -> int:
    raise ValueError(f"not a number: {text}")
