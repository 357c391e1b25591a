"""What a score is held to: measures from its notes, and the one table of limits for notes, picture and sound, with the
exceptions of each style.

The limits are those of docs/metrics.md. An exception stands here with its reason, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from . import metrics, metrics_lines, metrics_parts
from .library import library
from .score import Note, Score

INF = float("inf")


@dataclass(frozen=True, slots=True)
class Gate:
    """`low` ≤ measure ≤ `high`; `bars` the fewest bars for which it says anything; `told` ones fail nobody."""

    low: float
    high: float
    bars: int = 0
    told: bool = False


GATES: Mapping[str, Gate] = {
    "H1": Gate(1.2, 2.6, 4),
    "H4": Gate(2.0, 3.05, 4),
    "GS": Gate(0.70, 0.96, 8),
    "recall-4": Gate(0.35, 1.0, 12),
    "exact": Gate(0.0, 0.60, 8),
    "CPI": Gate(0.15, 0.70, 16),
    "in scale": Gate(0.97, 1.0),
    "strong chord tones": Gate(0.75, 1.0),
    "parallels": Gate(0.0, 2.0, 8),
    "inner move": Gate(0.0, 2.5, 8),
    "melody steps and skips": Gate(0.60, 0.92, 8),
    "leap recovery": Gate(0.55, 1.0, 8),
    "melody range": Gate(9, 24, 8),
    "density ratio": Gate(1.5, INF, 16),
    "timing sigma ms": Gate(3.0, 15.0, 8),
    "timing lag-1": Gate(0.15, 1.0, 8),
    "velocity metre": Gate(4.0, INF, 8),
    "in range": Gate(1.0, 1.0),
    "longest rest s": Gate(0.0, 5.0),
    "first onset beats": Gate(0.0, 1.0),
    "levels of activity": Gate(3, INF, 16),
    "motif": Gate(3, INF, 12),
    "identical run": Gate(0, 4, 8),
    "busiest part": Gate(0.0, 0.85, 12),
    "thin bars": Gate(0.0, 0.10, 8),
    "bass out s": Gate(0.0, 7.0, 8),
    "crowded low mids": Gate(0.0, 0.05, 4),
    "clashes": Gate(0.0, 0.0),
    "phrase ends": Gate(0.75, 1.0, 8),
    "cadences": Gate(0.9, 1.0, 8),
    "EBR": Gate(0.0, 0.6, told=True),
    "PE": Gate(3.0, 5.5, told=True),
    "timing beta": Gate(0.3, 2.0, told=True),
    "pace rank over 5 %": Gate(0.0, INF, 6),
    "boundary F": Gate(0.3, INF, told=True),
    "CMT match": Gate(0.0, INF, told=True),
    "cuts met": Gate(0.78, 1.0),
    "heavy cuts met": Gate(0.92, 1.0),
    "lift": Gate(0.55, 1.0),
    "locked error frames": Gate(0.0, 1.0),
    "beat alignment": Gate(0.0, INF, told=True),
    "event curve": Gate(0.15, INF, told=True),
    "loudness rank": Gate(0.0, INF, told=True),
    "SI 3-8": Gate(0.20, 1.0, told=True),
    "SI 8-15": Gate(0.15, 1.0, told=True),
    "contrast LU": Gate(3.0, INF, 16),
    "low end mono": Gate(0.90, 1.0),
    "lead over pads dB": Gate(3.0, INF),
    "centroid moves": Gate(0.01, INF),
    "tail dB": Gate(40.0, INF),
    "loudness error LU": Gate(0.0, 0.5),
    "true peak dBTP": Gate(-INF, -1.0),
    "length error ms": Gate(0.0, 1000 / 60),
    "stem null dB": Gate(-INF, -80.0),
    "duck error dB": Gate(0.0, 1.5),
    "speech over music LU": Gate(10.0, INF),
}
"""What comes from the notes first, then the picture, then the rendered sound."""

OF_SOUND = frozenset(list(GATES)[list(GATES).index("contrast LU") :])
"""Those that any finished sound is held to, whatever its form."""

LED = 6
"""Changes of a held part from which on the mean motion of its inner voices says something: with fewer, one shift of
position is the mean (all pieces: 89 % pass, from six changes on 97 %)."""

EXCEPTIONS: Mapping[str, Mapping[str, tuple[Gate, str]]] = {
    "synthwave_racing": {
        "H4": (Gate(1.8, 3.05, 4), "one chord lasts two bars: two triads in four bars are five or six classes"),
        "H1": (Gate(1.0, 2.6, 4), "one triad a bar, its root in most notes: below log2 3 = 1.58"),
    },
    "chiptune_platformer": {
        "exact": (Gate(0.0, 0.75, 8), "loops of the consoles repeat by design: 0.75 for chiptune and lo-fi"),
        "contrast LU": (Gate(1.0, INF, 16), "pulse channels have no dynamics: contrast is by register and voices"),
        "timing sigma ms": (Gate(0.0, 0.0), "the hardware sequencer is grid-exact"),
        "timing lag-1": (Gate(0.0, 0.0), "there is no timing offset to correlate"),
    },
    "lofi_chill": {
        "exact": (Gate(0.0, 0.75, 8), "the loop is the style: 0.75 for chiptune and lo-fi"),
        "contrast LU": (Gate(1.5, INF, 16), "even by style: 1.5 for lo-fi and ambient"),
    },
    "scifi_ambient": {
        "GS": (Gate(0.65, 0.99, 8), "held sounds, few onsets, so bars agree: 0.65–0.99 for ambient"),
        "contrast LU": (Gate(1.5, INF, 16), "even by style: 1.5 for lo-fi and ambient"),
        "H4": (Gate(1.9, 3.05, 4), "one chord lasts four bars: it and its melody are four or five classes"),
        "recall-4": (Gate(0.20, 1.0, 12), "slow surfaces: a chord lasts four bars and colours differ each time"),
    },
    "horror_survival": {
        "H1": (Gate(0.6, 2.6, 4), "a drone and a semitone cluster are three classes, the drone in most notes"),
        "H4": (Gate(1.4, 3.05, 4), "as H1; one chord lasts four bars"),
        "melody range": (Gate(7, 24, 8), "a fragment of the motif on a music box"),
        "timing sigma ms": (Gate(2.0, 15.0, 8), "some twenty long notes a part: their deviation scatters by a third"),
        "recall-4": (Gate(0.15, 1.0, 12), "through-composed: clusters are built anew where they return"),
    },
    "sports_hype": {
        "parallels": (Gate(0.0, 200.0, 8), "power chords move in fifths: such styles are exempt"),
        "H1": (Gate(1.0, 2.6, 4), "a riff on root and fifth: two classes are log2 2 = 1"),
        "H4": (Gate(1.8, 3.05, 4), "two power chords in four bars are four classes: log2 4 = 2 at most"),
    },
    "cyberpunk_action": {
        "parallels": (Gate(0.0, 200.0, 8), "power chords move in fifths: such styles are exempt"),
        "H1": (Gate(1.0, 2.6, 4), "a riff on root and flat second: two classes are log2 2 = 1"),
        "inner move": (Gate(0.0, 3.5, 8), "root and flat fifth lie far from each other: stabs, not a choir"),
        "H4": (Gate(1.8, 3.05, 4), "as H1, two chords in four bars"),
    },
    "wuxia_eastern": {
        "parallels": (Gate(0.0, 200.0, 8), "open fourths and fifths are the style, as power chords (half pass)"),
        "H4": (Gate(1.7, 3.05, 4), "five classes in all: log2 5 = 2.32 at most"),
        "H1": (Gate(1.0, 2.6, 4), "as H4: three of five classes in a bar are log2 3 = 1.58"),
        "inner move": (Gate(0.0, 6.0, 8), "open fourths and fifths move in blocks: root-position triads have 5.3"),
        "melody steps and skips": (Gate(0.50, 0.95, 8), "a skip of the pentatonic scale can be five semitones"),
    },
}
"""Palette → measure → the limits that its style asks for, and why."""


def measures(score: Score, bars: metrics.Bars | None = None) -> dict[str, float]:
    """All measures of `GATES` that come from the notes, as far as the score has notes for them."""
    bars = bars or metrics.by_bars(score)
    active = metrics_parts.active_bars(score)
    similar = metrics.bar_similarity(bars)
    lead = [n for n in score.notes if _role(score).get(n.part) == "lead"]
    out = {
        "H1": metrics.pitch_class_entropy(score, 1),
        "H4": metrics.pitch_class_entropy(score, 4),
        "GS": metrics.grooving_similarity(bars.groove),
        "recall-4": metrics.recall(similar),
        "exact": metrics.exact_repeats(score),
        "in scale": metrics.scale_consistency(score),
        "density ratio": metrics_parts.density_ratio(score),
        "in range": float(metrics_parts.in_range(score)),
        "longest rest s": metrics_parts.longest_rest(score),
        "first onset beats": float(min((n.beat for n in score.notes), default=Fraction(99))),
        "levels of activity": float(metrics_parts.levels(score, active)),
        "identical run": float(metrics_parts.identical_run(score)),
        "busiest part": metrics_parts.busiest(score, active),
        "crowded low mids": metrics_parts.crowded(score),
        "thin bars": metrics_parts.thin_bars(score, active),
        "bass out s": metrics_parts.floorless(score),
        "EBR": metrics.empty_beats(score),
        "PE": metrics.pitch_entropy(score),
    }
    if _changes(score) >= 18:  # fewer changes give too few trigrams for a ratio
        out["CPI"] = metrics.chord_irregularity(score.chords)
    if len(lead) >= 12:
        shape = metrics_lines.melody(lead)
        out |= {
            "strong chord tones": metrics.strong_chord_tones(score),
            "melody steps and skips": shape.step + shape.skip,
            "melody range": float(shape.range),
            "motif": float(metrics_lines.motif_count(lead, metrics.bar_beats(score))),
            "clashes": metrics_lines.clashes(score),
            "phrase ends": metrics_lines.phrase_ends(score),
        }
        if shape.leap * len(lead) >= 5:  # a share of one or two leaps says nothing
            out["leap recovery"] = shape.recovery
    return out | _cadences(score) | _chords(score) | _timing(score)


def limits(name: str, palettes: Sequence[str]) -> Gate:
    """The gate for a score of these palettes (the widest exception that any of them has)."""
    gate = GATES[name]
    special = [EXCEPTIONS[p][name][0] for p in palettes if name in EXCEPTIONS.get(p, {})]
    if not special:
        return gate
    return Gate(min(g.low for g in special), max(g.high for g in special), max(g.bars for g in special))


def judge(score: Score, found: Mapping[str, float] | None = None) -> dict[str, bool]:
    """Gate → passed, for those of `found` that are gates and apply to a score of this length."""
    found = measures(score) if found is None else found
    palettes = score.palette.split("+")
    bars = metrics.bar_count(score)
    out = {}
    for name, value in found.items():
        if name not in GATES or GATES[name].told:
            continue
        gate = limits(name, palettes)
        if bars >= gate.bars:
            out[name] = gate.low - 1e-9 <= value <= gate.high + 1e-9
    return out


def _changes(score: Score) -> int:
    return sum(1 for a, b in pairwise(score.chords) if a.rn != b.rn)


def _role(score: Score) -> dict[str, str]:
    return {part.id: part.role for part in score.parts}


def _cadences(score: Score) -> dict[str, float]:
    """Share of the phrases' ends whose cadence class is one that the palette's own progressions make."""
    found = metrics_lines.cadences(score)
    tables = [library().palettes[p].chords for p in score.palette.split("+") if p in library().palettes]
    if not found or not tables:
        return {}
    rows = [row for table in tables for row in (*table.A, *table.B, *table.turn)]
    own = {metrics_lines.cadence(a, b) for row in rows for a, b in pairwise((*row, row[0]))}
    return {"cadences": sum(c in own for c in found) / len(found)}


def _chords(score: Score) -> dict[str, float]:
    """Voice leading of the held chords (pads and choirs)."""
    found = []
    for part in score.parts:
        if part.role in ("pad", "choir"):
            rows = metrics_lines.voicings(score, part.id)
            changes = sum(a != b for a, b in pairwise(rows) if a and b)
            if changes:
                found.append((changes, *metrics_lines.voice_leading(rows)))
    if not found:
        return {}
    moves = [m for changes, _, m in found if changes >= LED]
    return {"parallels": max(p for _, p, _ in found)} | ({"inner move": max(moves)} if moves else {})


def _both(row: Sequence[Note]) -> bool:
    """Enough notes on the beats and between them to compare."""
    strong = sum(1 for n in row if n.beat.denominator == 1)
    return strong >= 12 and len(row) - strong >= 12


def _timing(score: Score) -> dict[str, float]:
    rows = {p.id: [n for n in score.notes if n.part == p.id] for p in score.parts}
    drums = metrics.unpitched(score)
    long = [r for r in rows.values() if len(r) >= 32]
    out: dict[str, float] = {}
    if long:
        found = [metrics_lines.timing(r) for r in long]
        out["timing sigma ms"] = float(np.median([t.sigma_ms for t in found]))
        out["timing lag-1"] = float(np.median([t.lag1 for t in found]))
        out["timing beta"] = float(np.median([t.beta for t in found]))
    struck = {hit.beat for hit in score.hits if hit.planned}  # accents for the picture are not metre
    calm = replace(score, notes=tuple(n for n in score.notes if n.beat not in struck))
    rows = {p.id: [n for n in calm.notes if n.part == p.id] for p in score.parts if p.id not in drums}
    beats = [metrics_lines.velocity_metre(calm, part) for part, row in rows.items() if _both(row)]
    if beats:
        out["velocity metre"] = max(beats)
    return out


def as_markdown() -> str:
    """The gates and their exceptions as two tables, for docs/metrics.md."""

    def span(gate: Gate) -> str:
        low = "" if gate.low == -INF else f"{gate.low:g}"
        return f"{low} – {'' if gate.high == INF else f'{gate.high:g}'}"

    rows = ["| measure | passes | from bars | |", "|---|---|---|---|"]
    rows += [
        f"| {name} | {span(gate)} | {gate.bars or ''} | {'told only' if gate.told else ''} |"
        for name, gate in GATES.items()
    ]
    rows += ["", "| palette | measure | passes | because |", "|---|---|---|---|"]
    for palette, special in EXCEPTIONS.items():
        rows += [f"| {palette} | {name} | {span(gate)} | {why} |" for name, (gate, why) in special.items()]
    return "\n".join(rows) + "\n"
