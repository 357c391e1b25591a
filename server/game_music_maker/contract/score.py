"""The score plan: what a piece of music is to be, as a public JSON document.

Every field may be left out of a plan that comes in; the composer fills the rest deterministically from the brief, the
footage and the seed, and `plan.json` gives the complete plan back. Unknown fields are refused. The published schema is
``docs/score-plan.schema.json``. Beats are quarter notes from the start of the music, seconds only come out of
`tempo_map` and `phase_s`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

PLAN_VERSION = 1

Role = Literal["intro", "A", "A'", "B", "break", "build", "turn", "outro", "stinger"]
Beat = Annotated[float, Field(ge=0, le=100_000)]
Unit = Annotated[float, Field(ge=0, le=1)]


class _Plan(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Key(_Plan):
    """`tonic` as a letter with # or b; `mode` one of the palette file's modes (``ionian`` … ``pentatonic_yu``)."""

    tonic: str | None = Field(None, pattern=r"^[A-G][#b]?$")
    mode: str | None = None


class TempoPoint(_Plan):
    """From `beat` on, `bpm` quarter notes a minute."""

    beat: Beat
    bpm: Annotated[float, Field(ge=20, le=300)]


class PaletteChoice(_Plan):
    """Palette ids: `scene` gives tempo, form and harmony, `style` the instruments; one of them may be left out."""

    scene: str | None = None
    style: str | None = None


class Motif(_Plan):
    """`intervals` in scale steps from the first note; `rhythm` in sixteenths, negative = rest."""

    intervals: tuple[int, ...] | None = None
    rhythm: tuple[int, ...] | None = None


class ChordSlot(_Plan):
    """A chord from `beat` (relative to the section) on; `rn` relative to the parallel major of the tonic."""

    beat: Beat
    rn: str = Field(max_length=24)
    bass: str | None = Field(None, max_length=8)


class SectionPlan(_Plan):
    id: str | None = Field(None, max_length=40)
    role: Role | None = None
    start_beat: Beat | None = None
    bars: Annotated[int, Field(ge=1, le=512)] | None = None
    energy: Unit | None = None
    tension: Unit | None = None
    chords: tuple[ChordSlot, ...] | None = None
    density: dict[str, Annotated[float, Field(ge=0, le=3)]] | None = None
    active: dict[str, bool] | None = None
    silent: dict[str, tuple[Beat, Beat]] | None = None
    """Role → beats (from, to) relative to the section in which it rests."""
    seed_offset: Annotated[int, Field(ge=0, le=2**31)] | None = None
    variation: Annotated[int, Field(ge=0, le=8)] | None = None
    """How often the tune is varied over the same chords: 0 = as the theme goes."""
    lock: bool | None = None
    lift: Annotated[int, Field(ge=-11, le=11)] | None = None
    """Semitones that the section stands above the piece's key (a key change, as in a last chorus)."""


class HitPlan(_Plan):
    """An anchor in the picture at `t` seconds; `locked` ones are met exactly."""

    t: Annotated[float, Field(ge=0, le=86_400)]
    beat: Beat | None = None
    kind: Literal["cut", "impact", "reveal", "silence", "flash", "accent"] | None = None
    weight: Unit | None = None
    locked: bool | None = None


class LoopPlan(_Plan):
    start_beat: Beat = 0
    len_beats: Beat | None = None


class MixPlan(_Plan):
    """`lufs` integrated loudness of the music alone, `duck_db` how far it goes down under speech."""

    lufs: Annotated[float, Field(ge=-40, le=-5)] | None = None
    duck_db: Annotated[float, Field(ge=0, le=40)] | None = None


class PartPlan(_Plan):
    """How one part sounds throughout: `octave` octaves above (negative: below) where it was written, `gain_db` louder
    (negative: softer) than its place in the mix."""

    octave: Annotated[int, Field(ge=-3, le=3)] | None = None
    gain_db: Annotated[float, Field(ge=-24, le=12)] | None = None


class ScorePlan(_Plan):
    version: Literal[1] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    length_s: Annotated[float, Field(gt=0, le=7200)] | None = None
    key: Key | None = None
    meter: str | None = Field(None, pattern=r"^(2|3|4|5|6|7|9|12)/(4|8)$")
    swing: Annotated[float, Field(ge=0.5, le=0.75)] | None = None
    tempo_map: tuple[TempoPoint, ...] | None = None
    phase_s: Annotated[float, Field(ge=0, le=60)] | None = None
    palette: PaletteChoice | None = None
    moods: tuple[str, ...] | None = None
    valence: Annotated[float, Field(ge=-1, le=1)] | None = None
    arousal: Unit | None = None
    tension: Unit | None = None
    motif: Motif | None = None
    sections: tuple[SectionPlan, ...] | None = None
    hits: tuple[HitPlan, ...] | None = None
    loop: LoopPlan | bool | None = None
    ending: Literal["ring", "hard", "fade"] | None = None
    instruments: dict[str, Annotated[int, Field(ge=0, le=127)]] | None = None
    """Role → zero-based General MIDI program, on top of the palette's choice."""
    parts: dict[str, PartPlan] | None = None
    """Role → register and loudness of that part."""
    excludes: tuple[str, ...] | None = None
    """Instrument words of the mood file that must not sound (``drums``, ``choir``, …)."""
    mix: MixPlan | None = None
