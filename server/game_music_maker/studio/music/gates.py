"""What a score is held to: measures from its notes, and the one table of limits with the exceptions of each style.

The limits are those of docs/metrics.md. An exception stands here with its reason, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from . import metrics, metrics_lines
from .score import Note, Score

INF = float("inf")


@dataclass(frozen=True, slots=True)
class Gate:
    """`low` ≤ measure ≤ `high`; `bars` the fewest bars for which it says anything."""

    low: float
    high: float
    bars: int = 0


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
}

CONTRAST_LU = 3.0
CONTRAST_EXCEPTIONS: Mapping[str, tuple[float, str]] = {
    "lofi_chill": (1.5, "even by style (docs/metrics.md)"),
    "scifi_ambient": (1.5, "even by style (docs/metrics.md)"),
    "chiptune_platformer": (1.0, "pulse channels have no dynamics: contrast is by register and number of voices"),
}
"""Loudness of the loudest section over the softest, from the rendered sound."""

EXCEPTIONS: Mapping[str, Mapping[str, tuple[Gate, str]]] = {
    "synthwave_racing": {
        "GS": (Gate(0.70, 1.0, 8), "the rolling sixteenths of bass and arpeggio fill every slot by design"),
        "H4": (Gate(1.8, 3.05, 4), "one chord lasts two bars of the same five or six classes"),
        "H1": (Gate(1.0, 2.6, 4), "as H4"),
    },
    "title_menu": {"velocity metre": (Gate(2.0, INF, 8), "a piano theme in long values hardly has weak places")},
    "chiptune_platformer": {
        "GS": (Gate(0.70, 1.0, 8), "chords are arpeggios in sixteenths: every slot is filled"),
        "levels of activity": (Gate(2, INF, 16), "four voices are all there are"),
        "exact": (Gate(0.0, 0.75, 8), "loops of the consoles repeat by design (docs/metrics.md)"),
        "timing sigma ms": (Gate(0.0, 0.0), "the hardware sequencer is grid-exact"),
        "timing lag-1": (Gate(-1.0, 1.0), "there is no timing offset to correlate"),
        "velocity metre": (Gate(0.0, INF), "pulse channels have sixteen levels and play flat"),
    },
    "lofi_chill": {"exact": (Gate(0.0, 0.75, 8), "the loop is the style (docs/metrics.md)")},
    "scifi_ambient": {
        "GS": (Gate(0.65, 0.99, 8), "held sounds: few onsets, so bars agree (docs/metrics.md)"),
        "H4": (Gate(1.6, 3.05, 4), "one chord lasts four bars: four bars hold about one chord and its melody"),
        "longest rest s": (Gate(0.0, 8.0), "space is a device of the style"),
        "inner move": (Gate(0.0, 4.0, 8), "planing of wide seventh chords"),
        "recall-4": (Gate(0.20, 1.0, 12), "slow surfaces: a chord lasts four bars and colours differ each time"),
        "timing sigma ms": (Gate(1.5, 15.0), "long notes: few onsets a part"),
        "melody steps and skips": (Gate(0.30, 1.0, 8), "a handful of long notes: one leap is a tenth of them"),
        "velocity metre": (Gate(-INF, INF), "long notes without a pulse"),
        "CPI": (Gate(0.10, 1.0, 16), "a dozen chords give too few trigrams for a ratio"),
    },
    "horror_survival": {
        "H1": (Gate(0.6, 2.9, 4), "a drone and a semitone cluster are three classes; octatonic scales are eight"),
        "H4": (Gate(1.2, 3.3, 4), "as H1"),
        "GS": (Gate(0.65, 0.99, 8), "40–60 % of the beats are empty, so bars agree"),
        "in scale": (Gate(0.85, 1.0), "semitone clusters lie outside of the scale by intent"),
        "strong chord tones": (
            Gate(0.5, 1.0),
            "the lead is meant to rub against the chord (docs/metrics.md §5, tension > .7)",
        ),
        "melody steps and skips": (Gate(0.30, 1.0, 8), "tritones and minor ninths are its ornaments"),
        "melody range": (Gate(4, 24, 8), "a fragment of the motif on a music box"),
        "longest rest s": (Gate(0.0, 9.0), "silence is a device of the style"),
        "velocity metre": (Gate(-INF, INF), "no regular beat"),
        "parallels": (Gate(0.0, 100.0, 8), "clusters move in blocks"),
        "CPI": (Gate(0.05, 1.0, 16), "a chord lasts four bars: too few trigrams for a ratio"),
        "timing lag-1": (Gate(-1.0, 1.0), "too few notes a part for a correlation"),
        "timing sigma ms": (Gate(0.0, 15.0), "too few notes a part for a deviation"),
        "recall-4": (Gate(0.0, 1.0, 12), "through-composed: clusters do not come back"),
        "motif": (Gate(2, INF, 12), "fragments of the motif only"),
    },
    "sports_hype": {
        "density ratio": (
            Gate(1.25, INF, 16),
            "a stadium loop is full from its first bar; the build holds back layers",
        ),
        "melody steps and skips": (Gate(0.40, 0.95, 8), "the hook is a repeated note, which is neither step nor skip"),
        "parallels": (Gate(0.0, 200.0, 8), "power chords move in fifths (docs/metrics.md)"),
        "H1": (Gate(0.8, 2.6, 4), "a riff on root and fifth for two bars"),
        "H4": (Gate(1.5, 3.05, 4), "two power chords in four bars are four classes"),
    },
    "cyberpunk_action": {
        "parallels": (Gate(0.0, 200.0, 8), "power chords move in fifths (docs/metrics.md)"),
        "GS": (Gate(0.70, 1.0, 8), "the sixteenth arpeggio fills every slot by design"),
        "H1": (Gate(0.8, 2.6, 4), "a riff on root and flat second"),
        "inner move": (Gate(0.0, 4.0, 8), "root and flat fifth lie far from each other: stabs, not a choir"),
        "melody steps and skips": (Gate(0.45, 0.95, 8), "stutters: a repeated note is neither step nor skip"),
        "H4": (Gate(1.4, 3.05, 4), "as H1"),
    },
    "wuxia_eastern": {
        "parallels": (Gate(0.0, 200.0, 8), "harmony in fourths and fifths is the style"),
        "H4": (Gate(1.6, 3.05, 4), "five classes in all: log2 5 is 2.3"),
        "inner move": (Gate(0.0, 7.0, 8), "open fourths and fifths move in blocks"),
        "melody steps and skips": (Gate(0.45, 0.95, 8), "a skip of the pentatonic scale can be five semitones"),
    },
    "boss_battle": {
        "parallels": (Gate(0.0, 20.0, 8), "i and bII stand side by side: planing by a semitone is the idiom"),
        "GS": (Gate(0.70, 0.99, 8), "sixteenths in strings, bass and hats together leave few slots empty"),
    },
    "dungeon_crawl": {
        "parallels": (Gate(0.0, 20.0, 8), "i and bII stand side by side: planing by a semitone is the idiom")
    },
}


def measures(score: Score) -> dict[str, float]:
    """All measures of `GATES` that the score has notes for."""
    bars = metrics.by_bars(score)
    similar = metrics.bar_similarity(bars)
    lead = [n for n in score.notes if _role(score).get(n.part) == "lead"]
    out = {
        "H1": metrics.pitch_class_entropy(score, 1),
        "H4": metrics.pitch_class_entropy(score, 4),
        "GS": metrics.grooving_similarity(bars.groove),
        "recall-4": metrics.recall(similar),
        "exact": metrics.exact_repeats(score),
        "in scale": metrics.scale_consistency(score),
        "density ratio": _density_ratio(score),
        "in range": _in_range(score),
        "longest rest s": _longest_rest(score),
        "first onset beats": float(min((n.beat for n in score.notes), default=Fraction(99))),
        "levels of activity": _levels(score),
        "identical run": _identical_run(score),
    }
    if _changes(score) >= 18:  # fewer changes give too few trigrams for a ratio
        out["CPI"] = metrics.chord_irregularity(score.chords)
    if len(lead) >= 12:
        shape = metrics_lines.melody(lead)
        out |= {
            "strong chord tones": metrics.strong_chord_tones(score),
            "melody steps and skips": shape.step + shape.skip,
            "melody range": float(shape.range),
            "motif": _motif_count(lead, metrics.bar_beats(score)),
        }
        if shape.leap * len(lead) >= 5:  # a share of one or two leaps says nothing
            out["leap recovery"] = shape.recovery
    return out | _chords(score) | _timing(score)


def limits(name: str, palettes: Sequence[str]) -> Gate:
    """The gate for a score of these palettes (the widest exception that any of them has)."""
    gate = GATES[name]
    special = [EXCEPTIONS[p][name][0] for p in palettes if name in EXCEPTIONS.get(p, {})]
    if not special:
        return gate
    return Gate(min(g.low for g in special), max(g.high for g in special), max(g.bars for g in special))


def judge(score: Score, found: Mapping[str, float] | None = None) -> dict[str, bool]:
    """Gate → passed, for the gates that apply to a score of this length; one-shot cues are held to few."""
    found = measures(score) if found is None else found
    palettes = score.palette.split("+")
    bars = metrics.bar_count(score)
    out = {}
    for name, value in found.items():
        gate = limits(name, palettes)
        if bars >= gate.bars:
            out[name] = gate.low - 1e-9 <= value <= gate.high + 1e-9
    return out


def _changes(score: Score) -> int:
    return sum(1 for a, b in pairwise(score.chords) if a.rn != b.rn)


def _role(score: Score) -> dict[str, str]:
    return {part.id: part.role for part in score.parts}


def _density_ratio(score: Score) -> float:
    """Notes a beat of the fullest section over that of the emptiest (sections of two bars and more)."""
    rates = []
    for s in score.sections:
        count = sum(1 for n in score.notes if s.start_beat <= n.beat < s.start_beat + s.beats)
        if s.bars >= 2:
            rates.append(count / float(s.beats))
    return max(rates) / max(min(rates), 0.05) if len(rates) > 1 else INF


def _in_range(score: Score) -> float:
    spans = {p.id: (0, 127) if p.drums else p.range for p in score.parts}
    return float(all(spans[n.part][0] <= n.pitch <= spans[n.part][1] for n in score.notes))


def _longest_rest(score: Score) -> float:
    """Longest time without a sounding note, in seconds, up to the last note."""
    end, longest = Fraction(0), 0.0
    for n in sorted(score.notes, key=lambda n: n.beat):
        if n.beat > end:
            longest = max(longest, score.tempo.seconds(n.beat) - score.tempo.seconds(end))
        end = max(end, n.beat + n.dur_beats)
    return longest


def _levels(score: Score) -> float:
    """Distinct numbers of parts that play in a bar."""
    bar = metrics.bar_beats(score)
    playing: dict[int, set[str]] = {}
    for n in score.notes:
        for b in range(int(n.beat // bar), int((n.beat + n.dur_beats - Fraction(1, 96)) // bar) + 1):
            playing.setdefault(b, set()).add(n.part)
    return float(len({len(parts) for parts in playing.values()}))


def _identical_run(score: Score) -> float:
    """Longest run of bars each identical to the one before, all parts."""
    bar = metrics.bar_beats(score)
    content: list[set[tuple[str, Fraction, int]]] = [set() for _ in range(metrics.bar_count(score))]
    for n in score.notes:
        if n.beat // bar < len(content):
            content[int(n.beat // bar)].add((n.part, n.beat % bar, n.pitch))
    run = longest = 0
    for before, after in pairwise(content):
        run = run + 1 if before and before == after else 0
        longest = max(longest, run)
    return float(longest)


def _motif_count(lead: Sequence[Note], bar: Fraction) -> float:
    """How often the commonest rhythm of four notes (sparse lines: three) comes, its contour kept or inverted."""
    line = sorted(lead, key=lambda n: n.beat)
    played = len({n.beat // bar for n in line})
    size = 4 if len(line) >= 2.5 * played else 3  # where a bar has two notes, four are no longer one idea
    counts: dict[tuple[object, ...], int] = {}
    for i in range(len(line) - size + 1):
        four = line[i : i + size]
        gaps = tuple((b.beat - a.beat).limit_denominator(16) for a, b in pairwise(four))
        turns = tuple(int(np.sign(b.pitch - a.pitch)) for a, b in pairwise(four))
        key = (gaps, max(turns, tuple(-t for t in turns)))
        counts[key] = counts.get(key, 0) + 1
    return float(max(counts.values(), default=0))


def _chords(score: Score) -> dict[str, float]:
    """Voice leading of the held chords (pads and choirs)."""
    found = []
    for part in score.parts:
        if part.role in ("pad", "choir"):
            rows = metrics_lines.voicings(score, part.id)
            if len(rows) >= 16:  # one slip among six changes is no rate
                found.append(metrics_lines.voice_leading(rows))
    if not found:
        return {}
    return {"parallels": max(p for p, _ in found), "inner move": max(m for _, m in found)}


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

    rows = ["| measure | passes | from bars |", "|---|---|---|"]
    rows += [f"| {name} | {span(gate)} | {gate.bars or ''} |" for name, gate in GATES.items()]
    rows += ["", "| palette | measure | passes | because |", "|---|---|---|---|"]
    for palette, special in EXCEPTIONS.items():
        rows += [f"| {palette} | {name} | {span(gate)} | {why} |" for name, (gate, why) in special.items()]
    return "\n".join(rows) + "\n"
