"""One request of a message, with everything that the rules ask about it; and what is known while a message is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ..music.library import library
from ..music.words import brief_lexicon, change_lexicon, match, unknown
from ..timeline import Timeline
from .context import Context, Touched
from .drafting import is_elastic
from .lexer import TOKEN, Lexed
from .phrases import Hit, scan
from .spans import When, find_when
from .values import AddTitle, MakeScore, RemoveTitle, Target

_NOT_MUSIC = {"negation", "intensifier"}
_DEEDS = {"do.remove", "do.cut", "do.trim"}


@dataclass(slots=True)
class Reading:
    """What is known while a message is read from left to right."""

    timeline: Timeline
    context: Context
    lexed: Lexed
    last: Touched | None = None
    edits: list[object] = field(default_factory=list)

    @property
    def score(self) -> bool:
        """A score is there, or will be when this message is done."""
        return bool(self.timeline.score_clips) or any(isinstance(edit, MakeScore) for edit in self.edits)

    @property
    def own(self) -> bool:
        return any(clip.role == "own" for clip in self.timeline.of("audio"))

    @property
    def titles(self) -> bool:
        told = [edit for edit in self.edits if isinstance(edit, AddTitle | RemoveTitle)]
        return isinstance(told[-1], AddTitle) if told else bool(self.timeline.of("text"))

    @property
    def pictures(self) -> int:
        return len([clip for clip in self.timeline.of("video") if clip.asset])

    @property
    def filmed(self) -> bool:
        """The picture has a length of its own: footage, or stills whose lengths were named."""
        return bool(self.pictures) and not is_elastic(self.timeline)

    @property
    def stills(self) -> bool:
        return any(clip.still for clip in self.timeline.of("video")) or any(
            file.kind == "image" for file in self.context.files
        )


def describes(text: str) -> bool:
    """Words for what music is like stand in a text."""
    found, _ = match(TOKEN.sub(" ", text), brief_lexicon())
    return any(one.kind in ("palette", "mood", "instrument") for one in found)


class Clause:
    """`text` is tokenised; `reading` is shared by the clauses of a message."""

    def __init__(self, text: str, reading: Reading) -> None:
        self.text, self.reading = text.strip(" ,，、;；。.!！\n"), reading

    @cached_property
    def hits(self) -> list[Hit]:
        return scan(self.text)

    @cached_property
    def concepts(self) -> frozenset[str]:
        return frozenset(hit.concept for hit in self.hits)

    def has(self, *concepts: str) -> bool:
        """Any of the concepts stands in the clause."""
        return not self.concepts.isdisjoint(concepts)

    def starting(self, prefix: str) -> list[str]:
        """Concepts of a group in order of appearance, without the prefix."""
        return [hit.concept.removeprefix(prefix) for hit in sorted(self.hits, key=lambda h: h.start)
                if hit.concept.startswith(prefix)]  # fmt: skip

    @cached_property
    def when(self) -> When:
        return find_when(self.text, self.reading.lexed, self.reading.timeline, self.reading.context)

    @cached_property
    def quotes(self) -> list[str]:
        return [str(text) for text in self.reading.lexed.of("q", self.text)]

    def numbers(self, kind: str) -> list[float]:
        """Values of a token kind: ``p`` shares, ``d`` decibels, ``x`` factors, ``g`` degrees."""
        return [float(number) for number in self.reading.lexed.of(kind, self.text)]

    @cached_property
    def raw(self) -> str:
        """The clause as the user wrote it, but for letter case and spaces."""
        return self.reading.lexed.written(self.reading.lexed.raw(self.text))

    @cached_property
    def musical(self) -> tuple[str, ...]:
        """Kinds of music words: ``palette``, ``mood``, ``instrument``, ``pace``, ``request``."""
        words = list(TOKEN.sub(lambda token: " " * len(token.group()), self.text))
        for hit in self.hits:
            if hit.concept in _DEEDS:  # "lose the music" is no music of defeat; "take the piano out" names a piano
                verb = len(self.text[hit.start : hit.end].split(" ")[0])
                words[hit.start : hit.start + verb] = " " * verb
        found, _ = match("".join(words), brief_lexicon())
        return tuple(one.kind for one in found if one.kind not in _NOT_MUSIC)

    @cached_property
    def changing(self) -> bool:
        """Words that compare a score with itself ("calmer", "更激烈"), as the composer's table has them."""
        found, _ = match(TOKEN.sub(" ", self.text), change_lexicon())
        return any(one.kind == "change" for one in found)

    @cached_property
    def wishes(self) -> bool:
        """Words that say in what another take is to differ ("happier"), not only that there is to be one."""
        found, _ = match(TOKEN.sub(" ", self.text), change_lexicon())
        asked = {library().changes[int(one.id)].op for one in found if one.kind == "change"}
        return bool(asked - {"another", "options"})

    @cached_property
    def residue(self) -> tuple[str, ...]:
        """Words with a meaning of their own that no table knows: a clause with some is about something else."""
        left = list(TOKEN.sub(lambda token: "\0" * len(token.group()), self.text))
        for hit in self.hits:
            left[hit.start : hit.end] = "\0" * (hit.end - hit.start)
        return unknown("".join(left))

    @cached_property
    def span(self) -> tuple[float | None, float | None]:
        """The part of the timeline that the clause names, (None, None) for all of it."""
        if self.when.spans:
            start, end = self.when.spans[0]
            return start, end
        return None, None

    @cached_property
    def part(self) -> tuple[float | None, float | None]:
        """`span`, or where the clip lies that the clause names; both: that part of the clip."""
        clips = [clip for clip in self.reading.timeline.of("video") if clip.asset]
        number = self.when.clip
        if number is None or len(clips) < 2 or not (number == -1 or 0 < number <= len(clips)):
            return self.span
        clip = clips[-1] if number == -1 else clips[number - 1]
        start, end = self.span
        first = (clip.end_ms if (start or 0) < 0 else clip.start_ms) + (start or 0)
        return first, clip.end_ms if end is None else clip.start_ms + end

    @cached_property
    def targets(self) -> list[Target]:
        """The sounds that the clause names, or the one that "it" stands for."""
        named: list[Target] = []
        for name in self.starting("on."):
            sound: Target | None = None
            if name in ("original", "own", "all"):
                sound = name  # type: ignore[assignment]
            elif name == "score":
                sound = "music"
            if sound and sound not in named:
                named.append(sound)
        if len(named) > 1:
            named = [name for name in named if name != "all"]
        return ["own"] if "own" in named and "music" in named else named

    def it(self) -> Target:
        """The sound that a clause without a named one is about."""
        last = self.reading.last
        if last in ("original", "own"):
            return last
        if self.has("on.sound", "on.picture") and not (self.reading.score or self.reading.own):
            return "original"
        return "music"
