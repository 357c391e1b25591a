"""Words to wishes: what a sentence in English or Chinese asks of the music. No numpy: runs in the app process."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

from .change import Change, struck
from .changes import read_changes
from .course import ArcPoint, course
from .genre import genre
from .library import library
from .numbers import Numbers, read_numbers
from .words import Found, brief_lexicon, change_lexicon, is_chinese, match, normalise, unknown

__all__ = ["ArcPoint", "Brief", "Change", "is_music_request", "read_brief", "read_changes"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


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
        hits, stops: seconds at which the music is to strike, or to stop short.
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
    hits: tuple[float, ...] = ()
    stops: tuple[float, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def wants_nothing(self) -> bool:
        """Nothing musical was said (beyond filler words)."""
        return not (self.scene or self.style or self.moods or self.instruments or self.excludes or self.requests
                    or self.bpm or self.tonic or self.meter or self.pace is not None or self.arc
                    or self.hits)  # fmt: skip


_LIST = re.compile(r"[\s,、]*(?:\b(?:or|and|nor|any)\b|和|或|与|及|以及|也|、|,)?[\s,、]*$")
_TURN = re.compile(r"\b(?:but|with|add|just|only|use|instead)\b|但|加|用|只|要")
_OPTIONS = re.compile(
    r"\b(?:(two|2|three|3|four|4|a few|some|several)\s+(?:\w+\s+)?"
    r"(?:options|versions|takes|directions|alternatives|variations))\b"
    r"|([两二三四234几])\s?[个种版首套](?:不同的?)?(?:选项|版本|方案|方向|风格|曲子|配乐)?"
)
_OPTION_COUNT = {"two": 2, "2": 2, "两": 2, "二": 2, "four": 4, "4": 4, "四": 4}
_METRE_LIKE = re.compile(r"(?<![\d:/.])\d{1,2}/\d{1,2}(?![\d/])")
_MAJOR = re.compile(r"\bmajor(?: key| mode)?\b|大调")
_MINOR = re.compile(r"\bminor(?: key| mode)?\b|小调")


def read_brief(text: str) -> Brief:
    """What `text` asks for. Never raises: what is not understood is in `unknown`."""
    clean = normalise(text)
    values: dict[str, object] = {"text": text, "lang": "zh" if is_chinese(clean) else "en"}
    if hit := _OPTIONS.search(clean):
        values["options"] = _OPTION_COUNT.get(hit[1] or hit[2], 3)
        clean = clean[: hit.start()] + "\0" * len(hit[0]) + clean[hit.end() :]
    strikes, clean = struck(clean, drops=False)
    values["hits"] = tuple(strike.start_s for strike in strikes if strike.word != "silence")
    values["stops"] = tuple(strike.start_s for strike in strikes if strike.word == "silence")
    arc, clean = course(clean)
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
    values |= _wishes(found, numbers)
    if arc:
        values["arc"] = arc
    elif "build" in values["requests"]:  # type: ignore[operator]
        values["arc"] = (ArcPoint(level=0.25, share=0.0), ArcPoint(level=0.95, share=0.85))
    left = _strip_time_words(rest)
    values["unknown"] = (*unknown(left), *_METRE_LIKE.findall(left))
    return Brief.model_validate(values)


def _strip_time_words(rest: str) -> str:
    lib = library()
    words = [w for group in (*lib.moments.values(), *lib.levels.values()) for w in (*group.en, *group.zh)]
    for word in sorted(words, key=len, reverse=True):
        rest = re.sub(re.escape(word) if is_chinese(word) else rf"\b{re.escape(word)}\b", "\0", rest)
    return rest


def _wishes(found: list[Found], numbers: Numbers) -> dict[str, object]:
    """Fold the matches, left to right: an intensifier or a negation acts on the next span (and on a list after it)."""
    pace = None
    match_video = False
    named: list[Found] = []
    moods: dict[str, float] = {}
    wanted: list[str] = []
    excluded: list[str] = []
    requests: set[str] = set()
    text = numbers.rest
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
            named += [] if no else [f]
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
    kind = genre(
        named, text, asked="one_shot" in requests, loop="loop" in requests, length_s=numbers.length_s, bars=numbers.bars
    )
    requests |= {"one_shot"} if kind.one_shot else set()
    for mood in kind.moods:
        moods.setdefault(mood, 1.0)
    banned = set(excluded)
    return {
        "scene": kind.scene, "style": kind.style, "pace": pace, "match_video": match_video,
        "requests": frozenset(requests),
        "moods": tuple(WantedMood(id=m, strength=s) for m, s in moods.items()),
        "instruments": tuple(i for i in dict.fromkeys(wanted) if i not in banned),
        "excludes": tuple(dict.fromkeys(excluded)),
    }  # fmt: skip


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
