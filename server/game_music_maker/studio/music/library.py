"""The tables that the composer works from: palettes (genres), moods, and the words for them.

The YAML files in `palettes/` are read once per process into frozen values; nothing here needs numpy, so that the app
process can read a brief.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from .score import Layer

FOLDER = Path(__file__).parent / "palettes"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Words(_Table):
    """English phrases (matched on word boundaries) and Chinese ones (matched anywhere)."""

    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


class Affect(_Table):
    """Valence −1..1, arousal 0..1, tension 0..1."""

    valence: float
    arousal: float
    tension: float


class PartSpec(_Table):
    """A part of a palette. `gm` zero-based programs by preference or "drums"; `density` onsets a quarter; `play` names
    of figures to draw from."""

    role: str
    gm: tuple[int, ...] | Literal["drums"]
    range: tuple[int, int] = (0, 127)
    density: float
    layer: Layer
    synth: str | None = None
    play: tuple[str, ...] = ()


class ChordTable(_Table):
    """Progressions as roman numerals relative to the parallel major; `rate` chord slots a bar."""

    rate: float
    A: tuple[tuple[str, ...], ...]
    B: tuple[tuple[str, ...], ...]
    turn: tuple[tuple[str, ...], ...]


class DrumGrid(_Table):
    """Percussion key (116 = Taiko program) → one character a step: X accent, x normal, o ghost, . rest.

    `more` are other grooves of the style; a piece keeps to one."""

    steps: int
    lanes: dict[int, str]
    more: tuple[dict[int, str], ...] = ()


class Room(_Table):
    type: str
    rt60: float
    wet: float


class MelodyStyle(_Table):
    step: float
    leap_max: int
    phrase_bars: int
    ornament: str = "none"
    cadence: Literal["closed", "modal", "open"] = "modal"
    """How phrases end: on the root; on root or third; never on the root."""


class Dynamics(_Table):
    vel: tuple[int, int]
    arc: str = ""


class Palette(_Table):
    """One genre of the palette file; see the conventions at its head."""

    id: str
    kind: Literal["scene", "style", "cue"]
    names: dict[str, str]
    aliases: Words
    va: Affect
    bpm: tuple[float, float, float]
    bpm_unit: Literal["q", "dq"] = "q"
    meter: tuple[str, ...]
    swing: float
    tonics: tuple[str, ...]
    modes: dict[str, float]
    chords: ChordTable
    drums: DrumGrid
    parts: tuple[PartSpec, ...]
    dynamics: Dynamics
    texture: str
    reverb: Room
    melody: MelodyStyle
    cells: tuple[tuple[int, ...], ...]
    pace: tuple[float, float] = (4, 10)
    form: tuple[str, ...]
    lead_in: Literal["", "riser", "roll", "run"] = ""
    """What announces the B section: a riser, a snare roll, a scale run upwards."""
    lifts: tuple[int, ...] = ()
    """Semitones that the last return of the theme may be moved up by."""
    hits: Literal["hard", "soft"] = "hard"
    """What answers the picture: cymbal and drum, or bell and harmony."""
    avoid: str = ""
    one_shot: bool = False
    length_s: tuple[float, float] | None = None
    lufs: float = -16.0


class Mood(_Table):
    id: str
    v: float
    a: float
    t: float
    en: tuple[str, ...]
    zh: tuple[str, ...]


class PaceWord(Words):
    a: float | None


class Instrument(Words):
    """`gm` programs to use, `family` further programs that an exclusion forbids, `roles` parts that it forbids."""

    gm: tuple[int, ...] = ()
    family: tuple[int, ...] = ()
    roles: tuple[str, ...] = ()
    drums: bool = False
    synths: tuple[str, ...] = ()


class ChangeWord(Words):
    """A way to ask for an edit: `op` and, where it applies, its amount or word."""

    op: str
    amount: float | None = None
    word: str | None = None


class Library(_Table):
    palettes: dict[str, Palette]
    modes: dict[str, tuple[int, ...]]
    moods: dict[str, Mood]
    intensifiers: dict[str, dict[str, float]]
    negation: Words
    genres: dict[str, Words]
    """Palette → genres that it is only the nearest to."""
    colours: dict[str, str]
    """Words of a palette that only describe where another is named, and the mood that they then stand for."""
    pace: dict[str, PaceWord]
    requests: dict[str, Words]
    instruments: dict[str, Instrument]
    changes: tuple[ChangeWord, ...]
    sections: dict[str, Words]
    moments: dict[str, Words]
    levels: dict[str, PaceWord]
    nouns: Words
    picture: Words
    filler: Words
    sigma_ms: dict[str, float] = Field(default_factory=dict)
    figures: dict[str, dict[str, dict[str, str]]]
    """Group → name → bar ("16", "12", "6/8") → row; see the head of figures.yaml."""


def _read(name: str) -> Any:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), Loader=loader)


@lru_cache(maxsize=1)
def library() -> Library:
    """All tables. Raises pydantic's ValidationError where a file of the package is broken (held by a test)."""
    palettes, moods, words = _read("palettes.yaml"), _read("moods.yaml"), _read("words.yaml")
    return Library.model_validate(
        {
            "palettes": {p["id"]: p for p in palettes["palettes"]},
            "modes": palettes["modes"],
            "figures": _read("figures.yaml"),
            "sigma_ms": palettes["defaults"]["timing_sigma_ms"],
            "moods": {m["id"]: m for m in moods["moods"]},
            **{k: moods[k] for k in ("intensifiers", "negation", "pace", "requests", "instruments")},
            **{k: words[k] for k in ("changes", "genres", "colours", "sections", "moments", "levels")},
            **{k: words[k] for k in ("nouns", "picture", "filler")},
        }
    )


def known_moods(names: Iterable[str]) -> list[Mood]:
    """The moods of these ids; those that there are none of are left out."""
    return [library().moods[name] for name in names if name in library().moods]


def nearest_mood(palette: str, word: str = "") -> str:
    """Id of the mood that a palette stands for where only its colour is meant: of the same name, else the nearest."""
    tables = library()
    named = [id for id in tables.moods if id == word or palette.startswith(f"{id}_")]
    if named:
        return named[0]
    va = tables.palettes[palette].va
    where = (va.valence, va.arousal, va.tension)
    return min(tables.moods.values(), key=lambda mood: math.dist((mood.v, mood.a, mood.t), where)).id
