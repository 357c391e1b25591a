"""The band: which instruments play, from the scene's and the style's palettes, the wishes and the exclusions.

With a scene and a style, the scene says which roles there are and what they do, the style which instruments play them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...contract.score import ScorePlan
from .chance import chance
from .library import Instrument, Library, Palette, PartSpec, Room, library
from .score import Part, Reverb

_FAMILIES = (
    ("bass", "drone", "pulse", "low_brass"),
    ("arp", "ostinato", "pluck", "comp", "keys", "piano", "riff", "harmony"),
    ("pad", "choir", "cluster", "brass", "chant"),
    ("lead",),
    ("counter", "color", "sparkle", "bell", "stabs", "hit", "fx"),
)

_PLACE: dict[str, tuple[float, float, float]] = {
    # role: pan, gain in dB, reverb send
    "lead": (0.08, 1.5, 0.35),
    "counter": (-0.35, -2.0, 0.40),
    "bass": (0.0, -1.0, 0.08),
    "drone": (0.0, -4.0, 0.30),
    "pulse": (0.05, -3.0, 0.25),
    "pad": (-0.15, -6.0, 0.45),
    "choir": (0.15, -5.0, 0.50),
    "arp": (0.40, -4.0, 0.35),
    "ostinato": (-0.40, -4.0, 0.25),
    "pluck": (0.45, -3.5, 0.35),
    "comp": (0.35, -5.0, 0.22),
    "keys": (-0.25, -3.5, 0.25),
    "piano": (-0.10, -3.0, 0.32),
    "harmony": (-0.45, -4.0, 0.10),
    "riff": (-0.30, -4.5, 0.12),
    "stabs": (0.25, -4.0, 0.30),
    "hit": (0.10, -3.0, 0.40),
    "brass": (0.30, -5.0, 0.40),
    "low_brass": (-0.20, -3.5, 0.35),
    "chant": (0.20, -6.0, 0.45),
    "color": (-0.50, -5.0, 0.50),
    "sparkle": (0.50, -5.0, 0.50),
    "bell": (0.30, -5.0, 0.50),
    "cluster": (-0.25, -7.0, 0.55),
    "fx": (0.35, -9.0, 0.60),
    "perc": (0.0, -3.0, 0.18),
}

_SYNTHS = {80: "square_lead", 81: "saw_lead", 84: "saw_lead", 38: "saw_bass", 39: "saw_bass", 87: "saw_bass",
           50: "super_pad", 89: "super_pad", 90: "super_pad"}  # fmt: skip
_HIGH = frozenset((72, 78))
"""A piccolo and a whistle sound an octave above the other melody instruments: C5 and D5 are their lowest notes."""
_FIGURES = frozenset(("arp", "ostinato", "pluck"))
_CHIP = {"lead": "pulse25", "harmony": "pulse50", "bass": "triangle", "perc": "noise"}
SYNTH_STYLES = ("synthwave_racing", "cyberpunk_action")


@dataclass(frozen=True, slots=True)
class Voice:
    """A part with what the passes need to write it."""

    part: Part
    spec: PartSpec


@dataclass(frozen=True, slots=True)
class Band:
    scene: Palette
    style: Palette
    voices: tuple[Voice, ...]
    reverb: Reverb
    chip: bool
    banned: frozenset[str] = frozenset()
    """Synthesised voices that the exclusions forbid."""

    def voice(self, role: str) -> Voice | None:
        return next((v for v in self.voices if v.part.role == role), None)


def palettes_of(plan: ScorePlan, tables: Library | None = None) -> tuple[Palette, Palette]:
    """Scene and style palettes of a complete plan; the one that is missing is the other."""
    tables = tables or library()
    chosen = plan.palette
    scene = chosen.scene if chosen else None
    style = chosen.style if chosen else None
    first = tables.palettes[scene or style or "overworld_adventure"]
    return first, tables.palettes[style or scene or "overworld_adventure"]


def assemble(plan: ScorePlan) -> Band:
    """The band of a complete plan. Excluded instruments never appear, wanted ones take the fitting role."""
    scene, style = palettes_of(plan)
    tables = library()
    banned = [tables.instruments[word] for word in plan.excludes or () if word in tables.instruments]
    wet = _wet(plan)
    room: Room = style.reverb
    voices: list[Voice] = []
    for spec in _roles(scene, style):
        voice = _voice(spec, style, plan, banned)
        if voice is not None:
            voices.append(voice)
    voices += _wanted(plan, voices, style)
    voices = [_at_level(voice, plan) for voice in voices]
    chip = style.id.startswith("chiptune")
    reverb = Reverb(room.type, room.rt60, min(0.6, room.wet * wet))
    forbidden = frozenset(synth for ban in banned for synth in ban.synths)
    return Band(scene, style, tuple(voices), reverb, chip, forbidden)


def _at_level(voice: Voice, plan: ScorePlan) -> Voice:
    """The voice as loud as the plan wants it."""
    wish = (plan.parts or {}).get(voice.part.role)
    if wish is None or not wish.gain_db:
        return voice
    return replace(voice, part=replace(voice.part, gain_db=voice.part.gain_db + wish.gain_db))


def sounds(band: Band, synth: str) -> bool:
    """Whether a synthesised voice is allowed."""
    return synth not in band.banned


def _wet(plan: ScorePlan) -> float:
    """Moods file: reverb_wet_multiplier."""
    return 1.25 - 0.5 * (plan.arousal or 0.4) + 0.15 * (plan.tension or 0.2)


def _roles(scene: Palette, style: Palette) -> list[PartSpec]:
    if scene.id == style.id:
        return list(scene.parts)
    if style.id.startswith("chiptune"):
        return list(style.parts)
    out: list[PartSpec] = []
    used: set[str] = set()
    for spec in scene.parts:
        donor = next((p for p in style.parts if p.role == spec.role), None)
        if donor is None:
            family = next((f for f in _FAMILIES if spec.role in f), ())
            donor = next((p for p in style.parts if p.role in family and p.role not in used), None)
        if donor is None or donor.gm == "drums" or spec.gm == "drums":
            out.append(spec)
            continue
        used.add(donor.role)
        span = spec.range if spec.role in ("drone", "pulse", "bass") else donor.range
        out.append(spec.model_copy(update={"gm": donor.gm, "range": span, "synth": donor.synth}))
    return out


def _voice(spec: PartSpec, style: Palette, plan: ScorePlan, banned: Sequence[Instrument]) -> Voice | None:
    role = spec.role
    if any(role in ban.roles for ban in banned):
        return None
    pan, gain, send = _PLACE.get(role, (0.0, -4.0, 0.3))
    chip = style.id.startswith("chiptune")
    if spec.gm == "drums":
        if any(ban.drums for ban in banned):
            return None
        synth = _CHIP["perc"] if chip else None
        part = Part(role, role, 0, (0, 127), spec.layer, True, synth, pan, gain, send)
        return Voice(part, spec)
    forbidden = {program for ban in banned for program in (*ban.gm, *ban.family)}
    wanted = (plan.instruments or {}).get(role)
    choices = [wanted] if wanted is not None else [p for p in spec.gm if p not in forbidden]
    if not choices:
        return None
    draw = float(chance(plan.seed or 0, "instrument", role).random())
    program = choices[min(len(choices) - 1, int(draw * draw * len(choices)))]
    synth = None
    if wanted is None:
        synth = _CHIP.get(role) if chip else _synth(role, program) if style.id in SYNTH_STYLES else None
    if synth and any(synth in ban.synths for ban in banned):
        return None
    low, high = spec.range
    span = (low + 12, min(108, high + 12)) if program in _HIGH and low < 72 else spec.range
    return Voice(Part(role, role, program, span, spec.layer, False, synth, pan, gain, send), spec)


def _synth(role: str, program: int) -> str | None:
    """Our own voice for a synthesiser program; figures get a plucked one whatever the program's own shape."""
    found = _SYNTHS.get(program)
    return "saw_pluck" if found is not None and role in _FIGURES else found


def _wanted(plan: ScorePlan, voices: Sequence[Voice], style: Palette) -> list[Voice]:
    """Wishes for roles that the palette does not have become parts of their own."""
    have = {voice.part.role for voice in voices}
    out = []
    for role, program in (plan.instruments or {}).items():
        if role in have or role == "perc":
            continue
        kind = next((r for r in _PLACE if r == role), "pad")
        span = _RANGES.get(role, (50, 76))
        spec = PartSpec(role=kind, gm=(program,), range=span, density=0.5, layer="mid")
        pan, gain, send = _PLACE[kind]
        out.append(Voice(Part(role, kind, program, span, "mid", False, None, pan, gain, send), spec))
    return out


_RANGES = {"lead": (60, 86), "counter": (52, 74), "bass": (31, 50), "drone": (26, 43), "arp": (52, 79), "pad": (50, 74),
           "choir": (52, 74), "stabs": (50, 74), "sparkle": (72, 96), "low_brass": (36, 55)}  # fmt: skip
