"""Words to wishes: what a sentence in English or Chinese asks of the music. No numpy: runs in the app process."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from .change import Change
from .changes import read_changes
from .library import library
from .numbers import moment, read_numbers, seconds_of
from .words import Found, blank, brief_lexicon, change_lexicon, is_chinese, match, normalise, unknown

__all__ = ["ArcPoint", "Brief", "Change", "is_music_request", "read_brief", "read_changes"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class ArcPoint(_Value):
    """Wanted intensity 0–1 at a moment: `at_s` seconds, or `share` 0–1 of the length."""

    level: float
    at_s: float | None = None
    share: float | None = None


class WantedMood(_Value):
    """Id of the mood file and its strength (negative: the opposite is wanted)."""

    id: str
    strength: float = 1.0


class Brief(_Value):
    """What the words ask of the music. None or empty = not said.

    Attributes:
        requests: ids of the mood file's `requests` (loop, one_shot, stems, midi, sync_cuts, duck, build, drop,
            fade_out, hard_end, louder, quieter), plus ``no_loop``.
        options: how many different takes are wanted.
        pace: arousal 0–1 for the tempo alone; match_video: the pace of the footage decides.
        excludes: instrument ids that must not sound; instruments: those that must.
        unknown: phrases that nobody understood, to be named in the reply.
    """

    text: str = ""
    lang: str = "en"
    scene: str | None = None
    style: str | None = None
    moods: tuple[WantedMood, ...] = ()
    pace: float | None = None
    match_video: bool = False
    tonic: str | None = None
    mode: str | None = None
    major: bool | None = None
    meter: str | None = None
    bpm: float | None = None
    length_s: float | None = None
    bars: int | None = None
    requests: frozenset[str] = frozenset()
    options: int = 1
    seed: int | None = None
    instruments: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    arc: tuple[ArcPoint, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def wants_nothing(self) -> bool:
        """Nothing musical was said (beyond filler words)."""
        return not (self.scene or self.style or self.moods or self.instruments or self.excludes or self.requests
                    or self.bpm or self.tonic or self.meter or self.pace is not None or self.arc)  # fmt: skip


_LIST = re.compile(r"[\s,、]*(?:\b(?:or|and|nor|any)\b|和|或|与|及|以及|也|、|,)?[\s,、]*$")
_TURN = re.compile(r"\b(?:but|with|add|just|only|use|instead)\b|但|加|用|只|要")
_OPTIONS = re.compile(
    r"\b(?:(two|2|three|3|four|4|a few|some|several)\s+(?:\w+\s+)?"
    r"(?:options|versions|takes|directions|alternatives|variations))\b"
    r"|([两二三四234几])\s?[个种版首套](?:不同的?)?(?:选项|版本|方案|方向|风格|曲子|配乐)?"
)
_OPTION_COUNT = {"two": 2, "2": 2, "两": 2, "二": 2, "four": 4, "4": 4, "四": 4}
_MAJOR = re.compile(r"\bmajor(?: key| mode)?\b|大调")
_MINOR = re.compile(r"\bminor(?: key| mode)?\b|小调")


def read_brief(text: str) -> Brief:
    """What `text` asks for. Never raises: what is not understood is in `unknown`."""
    clean = normalise(text)
    values: dict[str, object] = {"text": text, "lang": "zh" if is_chinese(clean) else "en"}
    if hit := _OPTIONS.search(clean):
        values["options"] = _OPTION_COUNT.get(hit[1] or hit[2], 3)
        clean = clean[: hit.start()] + "\0" * len(hit[0]) + clean[hit.end() :]
    arc, clean = _course(clean)
    numbers = read_numbers(clean)
    for name in ("tonic", "mode", "meter", "bpm", "length_s", "bars", "seed"):
        values[name] = getattr(numbers, name)
    if any(p.at_s is not None and p.at_s == numbers.length_s for p in arc):
        values["length_s"] = None
    rest = numbers.rest
    if numbers.tonic is None and (_MAJOR.search(rest) or _MINOR.search(rest)):
        values["major"] = _MAJOR.search(rest) is not None
        rest = _MAJOR.sub("\0", _MINOR.sub("\0", rest))
    found, rest = match(rest, brief_lexicon())
    values |= _wishes(found, numbers.rest)
    if arc:
        values["arc"] = arc
    elif "build" in values["requests"]:  # type: ignore[operator]
        values["arc"] = (ArcPoint(level=0.25, share=0.0), ArcPoint(level=0.95, share=0.85))
    left = _strip_time_words(rest)
    values["unknown"] = unknown(left)
    return Brief.model_validate(values)


def _strip_time_words(rest: str) -> str:
    lib = library()
    words = [w for group in (*lib.moments.values(), *lib.levels.values()) for w in (*group.en, *group.zh)]
    for word in sorted(words, key=len, reverse=True):
        rest = re.sub(re.escape(word) if is_chinese(word) else rf"\b{re.escape(word)}\b", "\0", rest)
    return rest


def _wishes(found: list[Found], text: str) -> dict[str, object]:
    """Fold the matches, left to right: an intensifier or a negation acts on the next span (and on a list after it)."""
    scene = style = cue = pace = None
    match_video = False
    moods: dict[str, float] = {}
    wanted: list[str] = []
    excluded: list[str] = []
    requests: set[str] = set()
    factor, negated, negated_end, negated_at = 1.0, False, -1, 0
    last_span: tuple[int, int] = (-1, -1)
    for f in found:
        if f.kind == "intensifier":
            factor = float(f.id)
            continue
        if f.kind == "negation":
            negated, negated_end, negated_at = True, -1, f.end
            continue
        if negated and negated_end < 0 and re.search(r"[,.;，。；]", text[negated_at : f.start]):
            negated = False  # "not too loud, slow"
        if (f.start, f.end) != last_span and negated and negated_end >= 0:
            between = text[negated_end : f.start]
            negated = bool(_LIST.fullmatch(between)) and not _TURN.search(between) and f.kind == "instrument"
        no = negated
        if f.kind == "palette":
            kind = library().palettes[f.id].kind
            if no:
                pass
            elif kind == "cue":
                cue = cue or f.id
            elif kind == "scene":
                scene = scene or f.id
            else:
                style = style or f.id
        elif f.kind == "mood":
            strength = -0.5 if no else factor
            moods[f.id] = strength
        elif f.kind == "pace":
            if f.id == "match_video":
                match_video = not no
            else:
                a = library().pace[f.id].a or 0.5
                pace = 1 - a if no else a
        elif f.kind == "request":
            requests.add("no_loop" if no and f.id == "loop" else f.id) if not no or f.id == "loop" else None
        elif f.kind == "instrument":
            (excluded if no else wanted).append(f.id)
        if no:
            negated_end = f.end
        last_span, factor = (f.start, f.end), 1.0
    if "no_loop" in requests:
        requests.discard("loop")
    if cue is not None and ("one_shot" in requests or not (scene or style)):
        scene, requests = cue, requests | {"one_shot"}
    banned = set(excluded)
    return {
        "scene": scene, "style": style, "pace": pace, "match_video": match_video, "requests": frozenset(requests),
        "moods": tuple(WantedMood(id=m, strength=s) for m, s in moods.items()),
        "instruments": tuple(i for i in dict.fromkeys(wanted) if i not in banned),
        "excludes": tuple(dict.fromkeys(excluded)),
    }  # fmt: skip


_CLAUSE = re.compile(
    r"[,.;，。；]|\b(?:and then|then|before|and|but|until|to a|into a|into)\b|然后|接着|随后|再(?=[渐慢变])|而后|但"
)
_AT = re.compile(rf"(?:\b(?:at|after|from|by|around)\b|从|在|到)?\s*(?:第)?\s*{moment('')}\s*(?:之?后|开始|处|时)?")


def _level(clause: str) -> float | None:
    """The loudness that a clause names, from the words of levels and of moods."""
    lib = library()
    for level in lib.levels.values():
        for word in (*level.en, *level.zh):
            if (word in clause) if is_chinese(word) else re.search(rf"\b{re.escape(word)}\b", clause):
                return level.a
    found, _ = match(clause, brief_lexicon())
    for f in found:
        if f.kind == "mood":
            return lib.moods[f.id].a
        if f.kind == "request" and f.id in ("drop", "build"):
            return 0.95
    return None


def _moment_in(clause: str, hit: re.Match[str]) -> bool:
    """A point in time and no length: "at 0:40", "0:40变激烈", "45秒又平静"."""
    said = re.search(r"at |after |from |by |从|在|到|后|处|开始", hit[0] + " ")
    return bool(said or re.match(r"[\s,，]*(?:变|转|就|又|再|起|爆发|进入)", clause[hit.end() :]))


def _arc(text: str) -> tuple[ArcPoint, ...]:
    """Intensity over time: clauses that name both a moment and a level; two points at least, or one with seconds."""
    lib = library()
    shares = {"start": 0.0, "middle": 0.5, "end": 0.85}
    points: list[ArcPoint] = []
    for clause in _CLAUSE.split(text):
        level = _level(clause) if clause else None
        if level is None:
            continue
        if (hit := _AT.search(clause)) and _moment_in(clause, hit):
            points.append(ArcPoint(level=level, at_s=seconds_of(hit, "")))
            continue
        for name, words in lib.moments.items():
            if any(
                (w in clause) if is_chinese(w) else re.search(rf"\b{re.escape(w)}\b", clause)
                for w in (*words.en, *words.zh)
            ):
                points.append(ArcPoint(level=level, share=shares[name]))
                break
        else:
            if points and points[0].share == 0.0 and len(points) == 1:
                points.append(ArcPoint(level=level, share=0.85))
    points = list({(p.at_s, p.share): p for p in points}.values())
    return tuple(points) if len(points) > 1 or (points and points[0].at_s is not None) else ()


@lru_cache(maxsize=1)
def _one_end() -> re.Pattern[str]:
    """ "start quiet", "ends softly", 开头要安静: a level at one end alone."""
    levels = library().levels.values()
    english = "|".join(re.escape(word) for level in levels for word in level.en)
    chinese = "|".join(re.escape(word) for level in levels for word in level.zh)
    return re.compile(
        r"\b(?P<how>start|begin|open|end|finish|close)(?:s|es|ning|ing)?(?: it)?(?: off| out| up)?"
        rf"(?: very| really| quite)? (?P<word>{english})(?![a-z])"
        rf"|(?P<zhow>一?开头|一?开始|起初|结尾|最后|结束)(?:的?时候?|处|得|要)*(?:很|比较|更)?(?P<zword>{chinese})"
    )


def _course(text: str) -> tuple[tuple[ArcPoint, ...], str]:
    """Intensity over time, and the text without the words for an end that is to differ from all the rest."""
    arc = _arc(text)
    hit = None if arc else _one_end().search(text)
    if hit is None:
        return arc, text
    level = _level(hit["word"] or hit["zword"]) or 0.0
    rest = 0.65 if level < 0.5 else 0.5
    if re.match(r"start|begin|open|一?开|起初", hit["how"] or hit["zhow"]):
        return (ArcPoint(level=level, share=0.0), ArcPoint(level=rest, share=0.3)), blank(text, *hit.span())
    return (ArcPoint(level=rest, share=0.6), ArcPoint(level=level, share=0.9)), blank(text, *hit.span())


def is_music_request(text: str) -> bool:
    """Whether a clause asks for music or a change of it, rather than for an edit of picture, words or other sound."""
    clean = normalise(text)
    lib = library()
    nouns = any(
        (w in clean) if is_chinese(w) else re.search(rf"\b{re.escape(w)}s?\b", clean)
        for w in (*lib.nouns.en, *lib.nouns.zh)
    )
    if nouns:
        return True
    if any(
        (w in clean) if is_chinese(w) else re.search(rf"(?<![\w]){re.escape(w)}(?![\w])", clean)
        for w in (*lib.picture.en, *lib.picture.zh)
    ):
        return False
    numbers = read_numbers(clean, length=False)
    if numbers.bpm or (numbers.tonic and numbers.mode) or numbers.meter:
        return True
    found, _ = match(numbers.rest, change_lexicon())
    return any(f.kind not in ("negation", "intensifier", "section") for f in found)
