"""The notes of a piece, as the composer gives them to the sampler: values only, no numpy.

Beats are quarter notes as exact fractions from the start of the music; seconds come out of `TempoMap` alone.
Programs are zero-based General MIDI numbers; drum notes use the General MIDI percussion key map.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Layer = Literal["base", "mid", "high", "peak"]
LAYERS: tuple[Layer, ...] = ("base", "mid", "high", "peak")


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Piecewise constant tempo.

    Attributes:
        points: (beat, quarter notes a minute), sorted, the first at beat 0.
        phase_s: seconds from the start of the picture to beat 0.
    """

    points: tuple[tuple[Fraction, float], ...]
    phase_s: float = 0.0

    def seconds(self, beat: Fraction | float) -> float:
        """Seconds from the start of the picture to `beat`."""
        at = self.phase_s
        for i, (start, bpm) in enumerate(self.points):
            end = self.points[i + 1][0] if i + 1 < len(self.points) else None
            if end is None or beat < end:
                return at + float(beat - start) * 60.0 / bpm
            at += float(end - start) * 60.0 / bpm
        return at

    def beat(self, seconds: float) -> float:
        """The inverse of `seconds`."""
        at = self.phase_s
        for i, (start, bpm) in enumerate(self.points):
            end = self.points[i + 1][0] if i + 1 < len(self.points) else None
            span = None if end is None else float(end - start) * 60.0 / bpm
            if span is None or seconds < at + span:
                return float(start) + (seconds - at) * bpm / 60.0
            at += span
        return float(self.points[-1][0])

    def bpm_at(self, beat: Fraction | float) -> float:
        return self.points[max(0, bisect_right([p[0] for p in self.points], beat) - 1)][1]


@dataclass(frozen=True, slots=True)
class Note:
    """One note. `vel` 1–127; `micro_ms` moves the start against the grid; `artic` names a way of playing
    (``""``, ``staccato``, ``legato``, ``accent``, ``tremolo``, ``slide``, ``stab``, ``roll``)."""

    part: str
    beat: Fraction
    dur_beats: Fraction
    pitch: int
    vel: int
    micro_ms: float = 0.0
    artic: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One instrument of the score.

    Attributes:
        id: unique name, what `Note.part` refers to.
        role: the palette's role (``lead``, ``bass``, ``pad``, ``perc`` …).
        program: zero-based General MIDI program; ignored where `drums` or `synth` is set.
        drums: a General MIDI percussion part.
        synth: name of one of our own synthesised voices instead of samples (``pulse25``, ``pulse50``, ``triangle``,
            ``noise``, ``saw_lead``, ``saw_bass``, ``super_pad``, ``drone``, ``riser``, ``impact`` …); None = samples.
        range: lowest and highest MIDI note.
        layer: vertical-layer export group.
        pan: −1 left … 1 right. gain_db: static level. send: reverb send 0–1.
    """

    id: str
    role: str
    program: int
    range: tuple[int, int]
    layer: Layer
    drums: bool = False
    synth: str | None = None
    pan: float = 0.0
    gain_db: float = 0.0
    send: float = 0.3


@dataclass(frozen=True, slots=True)
class Reverb:
    """Room type of the palette file, decay to −60 dB in seconds, wet share 0–1."""

    type: str = "hall"
    rt60: float = 2.0
    wet: float = 0.2


@dataclass(frozen=True, slots=True)
class LoopSpan:
    start_beat: Fraction
    len_beats: Fraction


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    role: str
    start_beat: Fraction
    bars: int
    beats: Fraction
    energy: float
    tension: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A point where the music answers the picture: planned second `t` of the picture, the beat that plays it."""

    t: float
    beat: Fraction
    kind: str
    weight: float
    locked: bool
    planned: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Chord:
    """A sounding chord: roman numeral, pitch classes (root first), bass pitch class, scale of its slot."""

    beat: Fraction
    beats: Fraction
    rn: str
    pcs: tuple[int, ...]
    bass_pc: int
    scale: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A whole piece. `length_s` is the length of the finished sound (of one pass where `loop` is set); `speech` are the
    seconds in which the footage speaks: the tune steps back there; `mood_tension` is that of the moods that were named,
    0–1, None where none was."""

    parts: tuple[Part, ...]
    notes: tuple[Note, ...]
    tempo: TempoMap
    meter: tuple[int, int]
    length_s: float
    key: tuple[str, str]
    sections: tuple[Section, ...] = ()
    chords: tuple[Chord, ...] = ()
    hits: tuple[Hit, ...] = ()
    loop: LoopSpan | None = None
    reverb: Reverb = field(default_factory=Reverb)
    ending: str = "ring"
    lufs: float = -16.0
    lowpass_hz: float = 18_000.0
    palette: str = ""
    title: str = ""
    seed: int = 0
    speech: tuple[tuple[float, float], ...] = ()
    mood_tension: float | None = None
