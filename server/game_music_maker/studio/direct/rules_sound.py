"""Clauses about levels, mute, ducking, fades, and whose music it is."""

from __future__ import annotations

import re
from typing import Literal

from ..numerals import NUMBER, value
from .clause import Clause
from .lexer import TOKEN
from .values import Duck, Edit, Fade, Mute, RemoveScore, SetLevel, Target, UseOwnMusic

STEP_DB, LITTLE_DB, MUCH_DB = 4.0, 2.0, 8.0
FADE_S = 2.0
_SCORE_LEVEL = re.compile(r"\bvolumes?\b|level|loud|音量|响度|声音")
_NO_SOUND = re.compile(r"\b(?:no|without)\b|不要|去掉|无|没有|别要|删")
_OF_SOMETHING = re.compile(
    r"(?:raise|boost|increase|bump|lower|reduce|decrease|soften) (?!it|by|a |<|volume)|"
    r"(?:提高|增大|加大|降低|减小|减弱|调[高低大小])(?!一?[点些]|了|$|\s|<|到|至)"
)
_SECTION = re.compile(
    r"\b(?:section|intro|ending|chorus|verse|bridge|outro|(?:middle|first|second|last) part)\b|"
    r"第.段|中间|前奏|尾声|副歌|间奏"
)
_PARTLY = re.compile(
    r"\b(?:in the middle|(?:at|towards?) the (?:end|start|beginning))\b|结尾|开头|中间|中段|最后(?!\s*<t)"
)
_SHARED = re.compile(r"<p\d+>|<d\d+>")


def read_sound(clause: Clause) -> list[Edit] | None:
    """Levels, mute, ducking, fades, the user's own music; None where the clause is about something else."""
    for rule in (_own, _duck, _fade, _entry, _only, _mute, _level, _remove):
        found = rule(clause)
        if found:
            return found
    return None


def _own(clause: Clause) -> list[Edit] | None:
    if not clause.has("do.own"):
        return None
    return [UseOwnMusic(name=clause.quotes[0] if clause.quotes else None)]


_LESS_DUCKING = re.compile(
    r"(?:\bnot|n't|\bless|\btoo)\b.{0,16}\b(?:so|that|as|too) ?(?:much|hard|far|strong|low|deep)"
    r"|\btoo (?:much|hard|far)\b"
    r"|(?:没|别|不要|不用)(?:那么|这么|压得?太)|太(?:多|狠|厉害|低)"
)


def _duck(clause: Clause) -> list[Edit] | None:
    if not clause.has("do.duck") or clause.has("do.generate", "on.title"):
        return None
    covered = re.search(
        r"(?:别|不要|不能).{0,6}(?:盖|压过|遮|淹|抢)|\b(?:don't|not|never)\b.*\b(?:drown|cover|bury|over)", clause.text
    )
    now = next((clip.duck_db for clip in clause.reading.timeline.of("audio") if clip.role), 0.0)
    if _LESS_DUCKING.search(clause.text):
        return [Duck(db=max((now or 9) - 4, 3))]
    off = not covered and re.search(
        r"\b(?:no|stop|disable|without|off|don't|remove)\b|不要|取消|关闭|停止|别|不用", clause.text
    )
    if off:
        return [Duck(db=0)]
    loud = clause.numbers("d")
    if not loud and now and re.search(r"\b(?:less|weaker|gentler|softer duck)\b|少一?点|弱一?点|轻一?点", clause.text):
        return [Duck(db=max(now - 4, 3))]
    if loud:
        return [Duck(db=min(abs(loud[0]), 40))]
    return [Duck()]


def _fade(clause: Clause) -> list[Edit] | None:
    way_in, way_out = clause.has("do.fade_in"), clause.has("do.fade_out")
    between = clause.has("do.join") and not clause.has("on.score", "on.title")
    if not (way_in or way_out or clause.has("do.fade")) or clause.has("do.slideshow") or between:
        return None
    if clause.targets and re.search(r"(?:\bto|\bat|到|至|成)\s*<[pd]\d+>", clause.text):
        return None  # "fade the engine noise down to 30%"
    if re.search(
        r"in\s*(?:and|/|&|or|,)\s*out|\bin\b[^,]*\band out\b|"
        r"淡入\s*(?:和|、|/|,|及|与)?\s*淡出|both (?:sides|ends)|两端|首尾|淡入淡出",
        clause.text,
    ):
        way_in = way_out = True
    if not (way_in or way_out):
        said = clause.text if _ENDS.search(clause.text) else clause.reading.lexed.text
        opening, closing = (re.search(pattern, said) for pattern in (_OPENING, _CLOSING))
        way_in, way_out = bool(opening) or not closing, bool(closing) or not opening
    when = clause.when
    times = [t for t in (when.length, when.to, *when.bare) if t]
    times += [abs(start) if start < 0 else (end or 0) - start for start, end in when.spans if end or start < 0]
    each = sorted(set(times), key=times.index)
    first = each[0] / 1000 if each else FADE_S
    second = each[1] / 1000 if len(each) > 1 else first
    in_text = re.findall(r"<t\d+>", clause.text)
    if len(in_text) > 1 and re.search(r"\bin\b.*<t.*\bout\b.*<t|淡入.*<t.*淡出.*<t", clause.text):
        way_in = way_out = True
    if len(in_text) > 1 and way_in and way_out:
        first, second = (float(clause.reading.lexed.values[t]) / 1000 for t in in_text[:2])
    if re.search(r"\b(?:no|without|remove the|remove|don't|never)\b|不要|取消|去掉|别", clause.text):
        first = second = 0.0
    sides = {"in_s": first if way_in else None, "out_s": second if way_out else None}
    return [Fade(target=target, **sides) for target in _fade_targets(clause)]


_OPENING, _CLOSING = r"start|begin|first|opening|开头|开始", r"\bend|last|final|结尾|最后|末尾"
_ENDS = re.compile(f"{_OPENING}|{_CLOSING}")


def _fade_targets(clause: Clause) -> list[Target | Literal["picture", "title"]]:
    together = re.search(r"\band\b|&|,|和|与|跟|、|一起|同时|都", clause.text)
    if clause.targets and clause.has("on.picture") and together and not clause.has("on.title"):
        return [*clause.targets, "picture"]
    return [_fade_target(clause)]


_BLACK = re.compile(r"to black|from black|黑屏|黑场|渐黑|变黑")


def fades_picture(clause: Clause) -> bool:
    """A fade that is none of a title's: to or from black, or over a stretch of the timeline."""
    return bool(clause.when.spans or _BLACK.search(clause.text)) and not clause.has("on.title")


def _fade_target(clause: Clause) -> Target | Literal["picture", "title"]:
    if clause.has("on.title"):
        return "title"
    if clause.targets:
        return clause.targets[0]
    if clause.has("on.picture") or _BLACK.search(clause.text):
        return "picture"
    if clause.reading.last == "title" and clause.has("on.it"):
        return "title"
    if not (clause.reading.score or clause.reading.own):
        return "all"
    return clause.it()


ONLY = re.compile(r"\b(?:only|just|nothing but)\b|只(?:要|留|保留|剩|听|放|在|用)|仅(?:保留|留)?|单独")


def _only(clause: Clause) -> list[Edit] | None:
    """ "only the music": the other sound goes."""
    alone = len(clause.targets) == 1 and ONLY.search(clause.text) and not clause.musical and not clause.quotes
    if (
        not alone
        or set(clause.starting("do.")) - {"trim", "unmute", "keep", "add", "generate"}
        or TOKEN.search(clause.text)
    ):
        return None
    if clause.targets[0] == "original":
        return [RemoveScore(target="music")]
    return [Mute(target="original")] if clause.targets[0] in ("music", "own") else None


_ENTERS = re.compile(r"\b(?:start|begin|enter|come in|kick in)s?\b|开始|进来|响起|进(?:入|场)?$")
_LEAVES = re.compile(r"\b(?:end|stop|finish|cut off)s?\b|结束|停")


def _entry(clause: Clause) -> list[Edit] | None:
    """ "start the music at 0:10", "music only from 0:10 to 0:50", "no music after 1:00": silence elsewhere."""
    when = clause.when
    if clause.targets != ["music"] or clause.musical or clause.has("do.fade", "do.fade_in", "do.fade_out"):
        return None
    if clause.has("do.generate") and not (ONLY.search(clause.text) or _NO_MUSIC.search(clause.text)):
        return None
    start, end = clause.span
    if _NO_MUSIC.search(clause.text) and when.spans:
        return [Mute(target="music", start_ms=start, end_ms=end)]
    if _LATE.search(clause.text) and when.bare and not when.spans:
        return [Mute(target="music", end_ms=when.bare[0])]
    if ONLY.search(clause.text) and when.spans:
        outside: list[Edit] = [Mute(target="music", end_ms=start)] if start else []
        return [*outside, *([Mute(target="music", start_ms=end)] if end is not None else [])] or None
    if when.spans and start == 0 and re.search(r"\b(?:hold|delay|wait)\b|推迟|等到|延后", clause.text):
        return [Mute(target="music", end_ms=end)]
    at = when.at if when.at is not None else start
    if start and end and (_ENTERS.search(clause.text) or _LEAVES.search(clause.text)):
        return [Mute(target="music", end_ms=start), Mute(target="music", start_ms=end)]
    if at and at > 0 and end is None and _ENTERS.search(clause.text):
        return [Mute(target="music", end_ms=at)]
    if at and at > 0 and not when.spans and _CUT_OFF.search(clause.text):
        return [Mute(target="music", start_ms=at)]
    if at and at > 0 and not when.spans and _LEAVES.search(clause.text):
        return [Mute(target="music", start_ms=at)]
    return None


_CUT_OFF = re.compile(r"\bcut (?:off )?the (?:music|score|soundtrack) (?:off )?at <t")
_LATE = re.compile(r"\b(?:delay|later|hold back)\b|推迟|延后|延迟|晚")
_ALL_SOUND = re.compile(r"\b(?:all|everything|total(?:ly)?|complete(?:ly)?)\b|全部|全都|完全|所有|整个|彻底")
_NO_MUSIC = re.compile(r"\b(?:no|without|not any|don't want)\b|不想?要|不需要|没有|别放|去掉|无")


STOPS = (
    r"\b(?:silence|pause|break|stop-time)s? (?:[a-z]+ ){0,3}at (?:the )?<t"
    r"|<t\d+>.{0,10}?(?:停顿|静默|停一下|静音一下|空一拍)"
)
"""A stop in the music at a moment, which is a matter for the score."""


def _mute(clause: Clause) -> list[Edit] | None:
    if clause.reading.score and re.search(STOPS, clause.text) and not {*clause.targets} - {"music", "score"}:
        return None
    start, end = clause.part
    if clause.has("do.unmute"):
        if clause.numbers("p"):
            share = min(clause.numbers("p")[0], 1)
            return [SetLevel(target=t, share=share) for t in clause.targets or [_silent(clause)]]
        return [Mute(target=t, on=False, start_ms=start, end_ms=end) for t in clause.targets or [_silent(clause)]]
    heard = clause.has("on.sound") or clause.has("do.mute")
    named = [t for t in clause.targets if t == "original" or (t == "all" and heard)]
    gone = clause.has("do.remove", "do.cut") or _NO_SOUND.search(clause.text)
    if clause.has("do.mute") or (named and gone and not _SHARED.search(clause.text)) or (
        clause.has("on.sound") and clause.has("do.remove") and not clause.starting("color.")
    ) or (clause.has("do.remove") and clause.has("on.score") and (start is not None)):  # fmt: skip
        targets = clause.targets or (["all"] if _ALL_SOUND.search(clause.text) else [_silent(clause)])
        if clause.has("do.mute") and not clause.targets and clause.musical and not clause.has("on.sound", "on.it"):
            return None  # "mute the drums": a matter for the score
        return [Mute(target=t, start_ms=start, end_ms=end) for t in targets]
    return None


def _silent(clause: Clause) -> Target:
    """What a mute without a name is about: the clips' sound, unless the music was touched last."""
    if clause.has("on.picture") or clause.reading.last not in ("score", "own"):
        return "original"
    return clause.it() if clause.has("on.it") else "original"


_PITCH = re.compile(
    r"transpos|\b(?:lower|raise) the (?:melody|tune|lead)\b|\bpitch\b|octave|\bkey\b|音高|八度|[升降]调"
)


def _level(clause: Clause) -> list[Edit] | None:
    start, end = clause.part
    shares, decibels = clause.numbers("p"), clause.numbers("d")
    if clause.targets and not shares and not decibels and not clause.musical:
        shares = _plain(clause)
    up, down = clause.has("do.louder"), clause.has("do.quieter")
    sound = clause.targets or clause.has("on.sound")
    of_clip = clause.when.clip is not None and clause.reading.pictures > 1 and clause.has("on.sound", "on.picture")
    of_score = ("instrument" in clause.musical or _SECTION.search(clause.text)) and not of_clip
    partly = _PARTLY.search(clause.text) and not (shares or decibels) and {*clause.targets} <= {"music"}
    if clause.reading.score and not of_clip and partly:
        return None  # "quieter in the middle"
    if clause.reading.score and not clause.targets and of_score:
        return None  # "make the drums louder", "the ending quieter": a matter for the score
    if not clause.targets and clause.reading.last in ("score", "original", "own") and clause.starting("do.") != []:
        if clause.has("is.bigger") and not clause.musical:
            up = True
        elif clause.has("is.smaller") and not clause.musical:
            down = True
    elif sound and clause.has("is.bigger") and not clause.has("do.speed"):
        up = True
    elif sound and clause.has("is.smaller") and not clause.has("do.speed"):
        down = True
    last_sound = clause.reading.last in ("score", "original", "own")
    if not clause.reading.score and set(clause.musical) & {"palette", "mood"} and not (up or down):
        return None  # "lofi beats under this gameplay at 30% volume"
    if not (up or down or ((sound or last_sound) and (shares or decibels))) and not (
        sound and clause.has("is.full", "is.half", "is.double") and (clause.has("on.sound") or not clause.musical)
    ):
        return None
    if _PITCH.search(clause.text):
        return None
    if clause.has("do.speed") and not clause.has("on.sound") and set(clause.targets) <= {"all"}:
        return None  # "speed everything up by 50%"
    elsewhere = clause.has("on.picture", "do.speed") or _OF_SOMETHING.search(clause.text)
    if elsewhere and not clause.targets and not clause.has("on.sound", "on.it"):
        return None
    if not clause.targets and not clause.has("on.sound", "on.it") and clause.residue:
        return None  # "turn the brightness up": not what was touched last
    targets = clause.targets or (["original"] if of_clip else [clause.it()])
    if len(targets) > 1 and len(shares) == len(targets):
        pairs = zip(targets, shares, strict=True)
        return [SetLevel(target=t, share=s, start_ms=start, end_ms=end) for t, s in pairs]
    target, amount = _meant(clause, targets, down), _amount(clause, shares, up, down)
    return [SetLevel(target=t, start_ms=start, end_ms=end, **amount) for t in target]


_PLAIN = re.compile(
    rf"(?:\b(?:at|to|is)|=|:|到|为|是|成|音乐|配乐|bgm|原声|声音|音量)\s*(?:about |around |大约|大概|约)?({NUMBER})\s*"
    r"(?:instead|please|or so|now|左右|吧|就[好行可以]+)?\s*$"
)


def _plain(clause: Clause) -> list[float]:
    """ "original at sixty": a level without its unit."""
    found = _PLAIN.search(clause.text)
    number = value(found.group(1)) if found else -1.0
    return [number / 100] if 1 < number <= 100 else []


def _meant(clause: Clause, targets: list[Target], down: bool) -> list[Target]:
    """ "the music is too loud for the game sound": the first one named is meant."""
    return targets if re.search(r"\band\b|和|与|,|both", clause.text) else targets[:1]


def _amount(clause: Clause, shares: list[float], up: bool, down: bool) -> dict[str, float]:
    decibels = clause.numbers("d")
    by = re.search(
        r"\bby\s*<[pd]|<p\d+>\s*(?:louder|quieter|softer)|(?:大声|小声|[响轻大小])(?:一?点)?了?\s*<p|(?:提高|降低|增大|减小|调高|调低|增加|减少|加大|调大|调小)了?\s*<[pd]",
        clause.text,
    )
    absolute = re.search(r"(?:\bto|\bat|到|为|成|至|=|:)\s*<[pd]", clause.text)
    if decibels:
        relative = (up or down or by) and not absolute
        return {"gain_db": abs(decibels[0]) * (-1 if down else 1)} if relative else {"db": decibels[0]}
    if shares:
        if by and not absolute and (up or down):
            return {"gain_db": _gain(1 + shares[0] if up else max(1 - shares[0], 0.01))}
        return {"share": min(shares[0], 10)}
    if clause.has("is.half"):
        to_half = re.search(r"\b(?:at|to) half|[到成为]一半", clause.text)
        return {"share": 0.5} if to_half else {"gain_db": -6.0}
    if clause.has("is.full"):
        return {"share": 1.0}
    if clause.has("is.double"):
        return {"gain_db": -6.0 if down and not up else 6.0}
    step = MUCH_DB if clause.has("is.much") else LITTLE_DB if clause.has("is.little") else STEP_DB
    complaint = re.search(r"too (?:loud|big)|太(?:大声|响|吵)|(?:声音|音量|音乐)太大", clause.text)
    quiet = re.search(
        r"too (?:quiet|soft|low)|太(?:小声|轻)|(?:声音|音量|音乐)太小|(?:can't|cannot|barely) hear|听不", clause.text
    )
    sign = -1 if complaint else 1 if quiet else 1 if up and not down else -1
    return {"gain_db": sign * step}


def _gain(factor: float) -> float:
    from math import log10

    return round(20 * log10(factor), 2)


def _remove(clause: Clause) -> list[Edit] | None:
    """ "remove the music", but not "remove the drums from the music"."""
    gone = clause.has("do.remove") or re.match(r"(?:no|stop the)\b|cut the", clause.text)
    if not gone or clause.has("do.add", "do.generate", "do.own"):
        return None
    if clause.has("on.score", "on.own") and not set(clause.musical) & {"instrument", "palette", "mood"}:
        return [RemoveScore(target="own" if clause.has("on.own") else "music")]
    if clause.has("on.it") and clause.reading.last in ("score", "own") and not clause.musical and not clause.quotes:
        return [RemoveScore(target="music")]
    return None
