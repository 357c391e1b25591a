"""Edits of an existing score, read from words: what changes, by how much, and where."""

from __future__ import annotations

import re
from typing import Any

from .change import Change, as_long_as, faster, octaves, semitones, struck
from .library import library, nearest_mood
from .numbers import moment, read_numbers, seconds_of, zh_number
from .tunes import of_tune
from .words import Found, blank, change_lexicon, either, match, normalise, unknown

_SPLIT = re.compile(
    r"[;；。\n!！]|(?<!\d)\.(?!\d)|,\s*(?:and\s+)?(?:then\s+)?|，|\bthen\b|\band then\b|然后|接着|\bbut\b|但是?"
)
_UNTIL = r"(?:\bto\b|-|~|\band\b|\buntil\b|到|至)"
_SPANS = (
    (re.compile(rf"(?:from|between|从)?\s*{moment('a')}\s*{_UNTIL}\s*{moment('b')}(?:之间)?"), "ab"),
    (re.compile(rf"(?:\b(?:after|from|past|starting at|at)\b|从)\s*{moment('a')}"
                r"(?:\s*(?:on|onwards?|开始|起|以?后))?"), "a"),
    (re.compile(rf"(?:第)?\s*{moment('a')}\s*(?:以后|之后|后|开始|起|(?=加入|进入|进来))"), "a"),
    (re.compile(rf"(?:\b(?:before|until|till|up to)\b)\s*{moment('b')}|{moment('c')}\s*(?:以前|之前|前)"), "b"),
    (re.compile(rf"(?:\bin |\bfor )?\bthe first\s*{moment('b')}|前\s*{moment('c')}"), "b"),
    (re.compile(rf"\bthe last\s*{moment('a')}|最后\s*{moment('c')}"), "-"),
)  # fmt: skip


def _span(clause: str) -> tuple[float | None, float | None, str]:
    """Start and end in seconds (a negative start counts from the end) and the clause without the words for it."""
    for pattern, kind in _SPANS:
        if hit := pattern.search(clause):
            rest = clause[: hit.start()] + "\0" * len(hit[0]) + clause[hit.end() :]
            first = "a" if hit.groupdict().get("acm") or hit.groupdict().get("awn") else None
            other = next((p for p in "bc" if hit.groupdict().get(p + "cm") or hit.groupdict().get(p + "wn")), None)
            start = seconds_of(hit, first) if first else None
            end = seconds_of(hit, other) if other else None
            if kind == "-":
                return -(start if start is not None else end or 0.0), None, rest
            return start, end, rest
    return None, None, clause


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_CARDINALS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NTH = rf"(?:\d+(?:st|nd|rd|th)|{'|'.join(_ORDINALS)})"
_COUNT = rf"(?:\d+|{'|'.join(_CARDINALS)})"
_ZH_NTH = r"第\s*[\d一二三四五六七八九十]+"
_NUMBERED = re.compile(
    rf"\b(?P<nth>{_NTH}(?:(?:\s*,\s*|\s+)(?:and\s+)?(?:the\s+)?{_NTH})*)\s+(?:sections?|parts?)\b"
    rf"|\b(?:sections?|parts?)\s+(?P<count>{_COUNT}(?:\s*(?:,|and|&)\s*{_COUNT})*)\b(?!\s*(?:s|sec|seconds?|bpm)\b)"
    rf"|(?P<zh>{_ZH_NTH}(?:段?[、和与]{_ZH_NTH})*)\s*(?:段|部分|节(?!奏|拍))"
)


_EXCHANGE = re.compile(
    r"(?:replace|swap|exchange|switch|change)(?: out)?\s+(?P<old>.+?)\s+(?:with|for|by|to)\s+(?P<new>.+)"
    r"|(?P<new2>.+?)\s+(?:instead of|rather than|in place of)\s+(?P<old2>.+)"
    r"|(?:用|拿)(?P<new4>.+?)(?:代替|替代|取代|替换)(?P<old4>.+)"
    r"|(?:把|将|用)?(?P<old3>.+?)(?:换成|改成|改为|换为|替换成|替换为)(?P<new3>.+)"
)


def _exchanged(clause: str) -> tuple[list[Change], str]:
    """One instrument for another ("replace the flute with a violin", 钢琴换成竖琴), and the rest of the clause."""
    hit = _EXCHANGE.search(clause)
    if hit is None:
        return [], clause
    found = [match(either(hit, side), change_lexicon())[0] for side in ("old", "new")]
    old, new = ([f for f in side if f.kind == "instrument"] for side in found)
    if not old or not new:
        return [], clause
    out = [Change(op="exclude", word=f.id) for f in old] + [Change(op="include", word=f.id) for f in new]
    return out, blank(clause, *hit.span())


_ALONE = re.compile(r"\b(?:only|just|nothing but|solely)\b|只(?:要|留|保留|剩|用|有)|仅(?:保留|用)?")


def only_instruments(clause: str) -> list[Found]:
    """Instruments that are to play alone ("only strings and piano", 只要弦乐); empty where none is so named."""
    hit = _ALONE.search(clause)
    if hit is None or re.search(r"\b(?:in|at|from|after|until|add|less|more|louder|quieter)\b", clause):
        return []
    found = [f for f in match(clause, change_lexicon())[0] if f.kind in ("instrument", "negation", "change")]
    return [] if any(f.kind != "instrument" for f in found) else found


def _only(clause: str) -> tuple[list[Change], str]:
    found = only_instruments(clause)
    if not found:
        return [], clause
    for f in found:
        clause = blank(clause, f.start, f.end)
    return [Change(op="only", word=",".join(dict.fromkeys(f.id for f in found)))], clause


def _numbered(clause: str) -> tuple[list[str], str]:
    """Numbers of the sections that a clause names ("the second and third section", 第二段), and the rest of it."""
    hit = _NUMBERED.search(clause)
    if hit is None:
        return [], clause
    words = re.findall(rf"{_NTH}|{_COUNT}|[一二三四五六七八九十]+", next(g for g in hit.groups() if g))
    return [str(_number(word)) for word in words], blank(clause, *hit.span())


def _number(word: str) -> int:
    for names in (_ORDINALS, _CARDINALS):
        if word in names:
            return names.index(word) + 1
    digits = re.match(r"\d+", word)
    return int(digits[0]) if digits else round(zh_number(word))


def read_changes(text: str) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Edits that `text` asks for, in order, and the phrases that were not understood. Empty when it asks for none."""
    changes: list[Change] = []
    left: list[str] = []
    section: str | None = None
    strikes, text = struck(normalise(text))
    for clause in _SPLIT.split(text):
        if not clause or not clause.strip(" \0"):
            continue
        read, unknowns, section = _clause(clause, section)
        changes += read
        left += unknowns
    return (*changes, *strikes), tuple(left)


_KEPT = re.compile(
    r"\b(?:don'?t|do not|never|without) (?:touch|chang|alter|mov|mess with|remov|drop|los|kill)(?:e|ing)?(?! it\b)"
    r"(?: (?!but\b|and\b)[a-z-]+)+"
    r"|\b[a-z]+ stays? (?:the same|put|as (?:it|they) (?:is|are))\b"
    r"|\bleave (?:the |my )?[a-z ]+? (?:alone|as (?:it|they) (?:is|are)|untouched)\b"
    r"|(?:别|不要|不用)(?:动|改|碰)[^\s,，。;；、]{1,8}|[^\s,，。;；、的]{1,6}(?:别动|不要动|不用动|不变|保持不变|别改|不要改)"
)
"""What is said to stay as it is."""
_ONE_END = re.compile(
    r"^\W*(?:(?:it|make it|have it|should|to|the music|let it) )*(?:(?P<first>start|begin|open)|end|finish|close)"
    r"(?:s|es|ning|ing)?(?: it)?(?: off| out| up)?(?! (?:at|on|by)\b)\b"
)
"""Of a clause that says how the music starts or ends ("start quiet")."""


def _level_in(text: str) -> tuple[float, re.Match[str]] | None:
    """The first word of loudness in a text ("softly"), 0–1, and where it stands."""
    for level in library().levels.values():
        for word in level.en:
            if hit := re.search(rf"\b{re.escape(word)}\b", text):
                return level.a or 0.0, hit
    return None


def _louder_or_softer(change: Change) -> Change:
    """A mood of one end alone is how much happens there."""
    if change.op != "mood" or change.word is None:
        return change
    up = library().moods[change.word].a >= 0.5
    return change.model_copy(update={"op": "energy", "word": None, "amount": 0.4 if up else -0.4})


def _clause(clause: str, before: str | None) -> tuple[list[Change], tuple[str, ...], str | None]:
    start, end, rest = _span(_KEPT.sub(lambda kept: "\0" * len(kept[0]), clause))
    numbered, rest = _numbered(rest)
    tune, rest = of_tune(rest)
    exchanged, rest = _exchanged(rest)
    lasting, rest = as_long_as(rest)
    sooner, rest = faster(rest)
    higher, rest = octaves(rest)
    moved, rest = semitones(rest)
    alone, rest = _only(rest)
    numbers = read_numbers(rest, length=False)
    found, rest = match(numbers.rest, change_lexicon())
    sections = [*numbered, *(f.id for f in found if f.kind == "section")]
    one_end = None if sections else _ONE_END.search(rest)
    if one_end:
        sections, rest = ["intro" if one_end["first"] else "outro"], blank(rest, *one_end.span())
    section = sections[-1] if sections else None
    if section is None and re.match(r"\s*(?:and\s+)?(?:make it|it\b|也|它)", clause):
        section = before
    place: dict[str, Any] = {"section": section, "start_s": start, "end_s": end, "text": clause.strip(" \0")}
    counted = (*tune, *exchanged, *lasting, *sooner, *higher, *moved, *alone)
    changes: list[Change] = [change.model_copy(update=place) for change in counted]
    if numbers.bpm:
        changes.append(Change(op="bpm", amount=numbers.bpm, **place))
    if numbers.tonic or numbers.mode:
        changes.append(Change(op="key", word=numbers.tonic, mode=numbers.mode, **place))
    if numbers.meter:
        changes.append(Change(op="meter", word=numbers.meter, **place))
    if numbers.seed is not None:
        changes.append(Change(op="seed", word=str(numbers.seed), **place))
    changes += _found(found, numbers.rest, place)
    changes = _entries(changes, clause)
    if any(change.op == "gain" for change in changes):
        rest = _TOO.sub(lambda hit: "\0" * len(hit[0]), rest)
    if one_end:
        changes = [_louder_or_softer(change) for change in changes]
        if not changes and (level := _level_in(rest)) is not None:
            amount, rest = (0.4 if level[0] >= 0.5 else -0.4), blank(rest, *level[1].span())
            changes = [Change(op="energy", amount=amount, **place)]
    several = [c.model_copy(update={"section": s}) for s in dict.fromkeys(sections) for c in changes]
    return several or changes, unknown(rest), section


_COMES = re.compile(
    r"\b(?:only|from|com(?:e|es|ing)|bring|brought|enters?|joins?|starts?|begins?|until|kicks?|not before)\b"
    r"|才|只|进入|进来|加入|开始|起"
)


_ONLY = re.compile(r"\bonly\b|只|才")


def _entries(changes: list[Change], clause: str) -> list[Change]:
    """ "let the drums come in at 0:10": silent until then; "drums only in the chorus": silent elsewhere."""
    if not _COMES.search(clause):
        return changes
    if _ONLY.search(clause) and any(change.section for change in changes):
        return [c.model_copy(update={"op": "confine"}) if c.op == "include" else c for c in changes]
    early = [
        change.model_copy(update={"op": "exclude", "start_s": 0.0, "end_s": change.start_s})
        for change in changes
        if change.op == "include" and change.start_s and change.start_s > 0 and change.end_s is None
    ]
    return [*changes, *early]


_AND = re.compile(r"[\s,、]*(?:\b(?:and|or|nor|the|any|&)\b|和|或|与|及|、)*\s*(?:\bthe\b)?[\s,、]*")


def _found(found: list[Found], text: str, place: dict[str, Any]) -> list[Change]:
    out: list[Change] = []
    negated, negated_end, negated_at, factor = False, -1, 0, 1.0
    taken = {(f.start, f.end) for f in found if f.kind == "section"}
    for f in found:
        if f.kind == "negation":
            negated, negated_end, negated_at = True, -1, f.end
            continue
        if f.kind == "intensifier":
            factor = float(f.id)
            continue
        span = (f.start, f.end)
        if f.kind == "section" or span in taken:
            continue
        if (
            negated
            and negated_end >= 0
            and not (_AND.fullmatch(text[negated_end : f.start]) and f.kind == "instrument")
        ):
            negated = False
        if negated and negated_end < 0 and _BREAK.search(text[negated_at : f.start]):
            negated = False
        change = _degree(f, text, place) or _one(f, negated, factor, place)
        if change:
            out.append(change)
            taken.add(span)
        if negated:
            negated_end = f.end
        factor = 1.0
    parts = any(change.op == "gain" for change in out)  # "the drums louder" is no wish for all of the music
    quiet = parts and _TOO.search(text)  # nor "drums are too quiet" one for calm
    return [c for c in out if not (parts and c.op == "level") and not (quiet and c.op == "mood" and c.word == "calm")]


_BREAK = re.compile(r"[,.;，。；、]")
_LESS = re.compile(
    r"(?:\bless|\bfewer|\bnot (?:so|as|that)(?: much)?|\breduce|没那么|不那么|别那么|不要那么|少用?(?:一?[点些])?)"
    r"\s*(?:of )?(?:the )?$"
)
_TOO_MUCH = re.compile(r"\b(?:too|way too|overly)\s+$|(?:太|过于|过分)$")
_MORE = re.compile(
    r"(?:(?<!\bno )(?<!\bnot )(?<!\bany )\bmore|\bstronger|\blouder|\bheavier|\bbigger"
    r"|多(?:一?[点些])?)\s*(?:of )?(?:the )?$"
)
_BE = r"[\s\0]*(?:to )?(?:is |are |be )?(?:a bit |slightly |much )?"
_LESS_AFTER = re.compile(_BE + r"(?:less\b|quieter|softer|lower|down\b|[少轻小弱]一?[点些])")
_MORE_AFTER = re.compile(_BE + r"(?:louder|stronger|more prominent|heavier|up\b|[重多响大强]一?[点些])")
_SOFTER = re.compile(_BE + r"(?:too loud|太响|太大声|太吵|太抢|quieter|softer|down\b|[轻小]一?[点些]|小声|轻声)")
_LOUDER = re.compile(_BE + r"(?:too (?:quiet|soft)|太轻|太小声|听不[见清到]|louder|up\b|[响大]一?[点些]|大声|响亮)")
_TOO = re.compile(r"\btoo (?:loud|quiet|soft)\b|太(?:响|大声|吵|抢|轻|小声)|听不[见清到]")
_GONE_AFTER = re.compile(
    r"(?:[\s\0]*(?:和|与|跟|及|、)[^\s,，。都]{1,4}){0,3}[\s\0]*(?:都|全)?(?:去掉|去除|删掉|删除|拿掉|不要|取消|关掉)"
    r"|[\s\0]*(?:out|away|off|gone)\b"
    r"|[\s\0]*(?:is|are) (?:so |really |very )?(?:annoying|irritating|distracting|awful|terrible)\b"
    r"|[\s\0]*(?:很|太|真)?(?:烦人|难听|刺耳)"
)


_GONE_BEFORE = re.compile(
    r"\b(?:kill|ditch|lose|scrap|hate|can'?t stand|sick of|tired of|enough)(?: all| of)?(?: the| this| that)?\s*$"
    r"|(?:讨厌|受不了)$"
)


def _degree(f: Found, text: str, place: dict[str, Any]) -> Change | None:
    """How much of an instrument or a mood: "less drums", 弦乐少一点, 把合唱去掉, "not so sad"."""
    before, after = text[: f.start].replace("\0", " "), text[f.end :]
    if f.kind == "mood" and (_LESS.search(before) or _TOO_MUCH.search(before)):
        return Change(op="mood", word=f.id, amount=-0.6, **place)
    if f.kind == "palette" and (_LESS.search(before) or _TOO_MUCH.search(before)):
        return Change(op="mood", word=nearest_mood(f.id, f.text), amount=-0.6, **place)
    if f.kind != "instrument":
        return None
    if _GONE_AFTER.match(after) or _GONE_BEFORE.search(before):
        return Change(op="exclude", word=f.id, **place)
    if _SOFTER.match(after) or re.search(r"\b(?:quieter|softer|(?:bring|turn) down) (?:the )?$", before):
        return Change(op="gain", word=f.id, amount=-4, **place)
    if _LOUDER.match(after) or re.search(r"\b(?:louder|(?:bring|turn) up) (?:the )?$", before):
        return Change(op="gain", word=f.id, amount=4, **place)
    if _LESS.search(before) or _LESS_AFTER.match(after):
        return Change(op="density", word=f.id, amount=0.6, **place)
    if _MORE.search(before) or _MORE_AFTER.match(after):
        return Change(op="density", word=f.id, amount=1.4, **place)
    return None


_BY_DEGREES = re.compile(r"一?[点些](?![儿心])|更|再|稍|\b(?:a bit|a little|slightly|a touch|more|less)\b")
"""Of "a bit scary", which is no other style."""


def _one(f: Found, no: bool, factor: float, place: dict[str, Any]) -> Change | None:
    tables = library()
    if f.kind == "change":
        change = tables.changes[int(f.id)]
        amount = change.amount
        if amount is not None and change.op == "energy":
            amount = max(-1.0, min(1.0, amount * (factor if factor > 0 else 1.0) * (-1 if no else 1)))
        elif no:
            return Change(op="unloop", **place) if change.op == "loop" else None
        return Change.model_validate({"op": change.op, "amount": amount, "word": change.word, **place})
    if f.kind == "instrument":
        return Change(op="exclude" if no else "include", word=f.id, **place)
    if f.kind == "mood":
        return Change(op="mood", word=f.id, amount=-0.6 if no else factor, **place)
    if f.kind == "palette" and not no and (place["section"] or place["start_s"] is not None or place["end_s"]):
        return Change(op="mood", word=nearest_mood(f.id, f.text), amount=1.0, **place)  # a part has no style of its own
    if f.kind == "palette" and not no and tables.colours.get(f.text) and _BY_DEGREES.search(place["text"]):
        return Change(op="mood", word=tables.colours[f.text], amount=factor, **place)
    if f.kind == "palette" and not no and tables.palettes[f.id].kind != "cue":
        return Change(op="style", word=f.id, **place)
    if f.kind == "pace" and not no:
        if f.id == "match_video":
            return Change(op="match", **place)
        return Change(op="pace", amount=tables.pace[f.id].a, **place)
    if f.kind == "request":
        op = {"loop": "unloop" if no else "loop", "fade_out": "fade", "hard_end": "hard", "build": "build",
              "sync_cuts": "hit", "key_lift": "lift"}.get(f.id)  # fmt: skip
        return Change.model_validate({"op": op, **place}) if op and (not no or f.id == "loop") else None
    return None
