"""Metrics of the parts together: who plays when, how full it is, what repeats, what crowds the low mids.

Bars are counted from beat 0 in the score's metre, as in `metrics`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from .metrics import TICKS, TINY, bar_beats, bar_count, spans, unpitched
from .score import Note, Score

INF = float("inf")

GROUND = ("drone", "perc", "taiko", "fx")
"""Roles that may sound all the time: what stands under the music, and drums."""
SUSTAINED = ("pad", "choir", "cluster", "drone")
"""Roles whose notes are held: two of them in one low octave are mud."""
INSTRUMENTAL = ("intro", "break", "outro")
"""Roles of sections without a tune, where one part may play alone."""
FLOOR = 55
"""MIDI note (G3) below which a note carries the low end."""
LOW_DRUMS = frozenset({35, 36, 41, 43, 45, 47})
"""General MIDI keys of bass drums and low toms; the taiko plays 41 and 45."""
_BRUSH = 1 / 96
"""Beats into a bar that do not count as playing in it."""
_LOW_OCTAVES = ((43, 55), (55, 67))
"""MIDI notes of 98–196 Hz and of 196–392 Hz, the last exclusive."""


def active_bars(score: Score) -> dict[str, set[int]]:
    """Part → bars in which a note of it sounds."""
    bar, count = float(bar_beats(score)), bar_count(score)
    found: dict[str, set[int]] = {part.id: set() for part in score.parts}
    for n, start, end in spans(score):
        last = int((end - _BRUSH) // bar)
        found.setdefault(n.part, set()).update(range(int((start + TINY) // bar), min(count, last + 1)))
    return found


def levels(score: Score, active: Mapping[str, set[int]]) -> int:
    """Distinct numbers of parts that play in a bar; `active` as of `active_bars`."""
    counts = {sum(b in rows for rows in active.values()) for b in range(bar_count(score))}
    return len(counts - {0})


def busiest(score: Score, active: Mapping[str, set[int]]) -> float:
    """Share of the bars in which the busiest part plays, drones, drums and effects left out."""
    role = {part.id: part.role for part in score.parts}
    drums = {part.id for part in score.parts if part.drums}
    shares = [
        len(rows) / bar_count(score)
        for part, rows in active.items()
        if role.get(part) not in GROUND and part not in drums
    ]
    return max(shares, default=0.0)


def identical_run(score: Score) -> int:
    """Bars in the longest run of identical ones, all parts; 1 where no two neighbours are."""
    bar = float(bar_beats(score))
    content: list[set[tuple[str, int, int]]] = [set() for _ in range(bar_count(score))]
    for n, start, _ in spans(score):
        at = int((start + TINY) // bar)
        if at < len(content):
            content[at].add((n.part, round((start - at * bar) * TICKS), n.pitch))
    run = longest = 1
    for before, after in pairwise(content):
        run = run + 1 if before and before == after else 1
        longest = max(longest, run)
    return longest


def density_ratio(score: Score) -> float:
    """Notes a beat of the fullest section over that of the emptiest (sections of two bars and more)."""
    starts = sorted(n.beat for n in score.notes)
    rates = [
        (bisect_left(starts, s.start_beat + s.beats) - bisect_left(starts, s.start_beat)) / float(s.beats)
        for s in score.sections
        if s.bars >= 2
    ]
    return max(rates) / max(min(rates), 0.05) if len(rates) > 1 else INF


def in_range(score: Score) -> bool:
    """Every note lies inside its part's range."""
    spans = {p.id: (0, 127) if p.drums else p.range for p in score.parts}
    return all(spans[n.part][0] <= n.pitch <= spans[n.part][1] for n in score.notes)


def longest_rest(score: Score) -> float:
    """Longest time without a sounding note, in seconds, up to the last note."""
    until, longest = 0.0, 0.0
    for start, end in sorted((start, end) for _, start, end in spans(score)):
        if start > until:
            longest = max(longest, score.tempo.seconds(start) - score.tempo.seconds(until))
        until = max(until, end)
    return longest


def crowded(score: Score) -> float:
    """Share of the time in which two held parts (pads, choirs, drones) sound in one octave between 98 and 392 Hz."""
    held = [part.id for part in score.parts if part.role in SUSTAINED and not part.drums]
    if len(held) < 2:
        return 0.0
    bar = bar_beats(score)
    total = max((s.start_beat + s.beats for s in score.sections), default=bar_count(score) * bar)
    rows = [n for n in score.notes if n.part in held]
    return max(_doubled([n for n in rows if low <= n.pitch < high]) for low, high in _LOW_OCTAVES) / float(total)


def _doubled(notes: Sequence[Note]) -> float:
    """Beats in which notes of two parts or more sound."""
    edges = sorted({x for n in notes for x in (n.beat, n.beat + n.dur_beats)})
    found = Fraction(0)
    for start, end in pairwise(edges):
        found += (end - start) * (len({n.part for n in notes if n.beat <= start < n.beat + n.dur_beats}) > 1)
    return float(found)


def thin_bars(score: Score, active: Mapping[str, set[int]]) -> float:
    """Share of the bars in which fewer than two pitched parts sound; intros, breaks and endings are left out, and bars
    with a stop for a silence of the picture. `active` as of `active_bars`."""
    bar, drums = bar_beats(score), unpitched(score)
    stopped = {int(hit.beat // bar) + i for hit in score.hits if hit.planned and hit.kind == "silence" for i in (0, 1)}
    judged = {
        b
        for s in score.sections
        if s.role not in INSTRUMENTAL
        for b in range(int(s.start_beat // bar), int((s.start_beat + s.beats) // bar))
    } - stopped
    thin = sum(sum(b in rows for part, rows in active.items() if part not in drums) < 2 for b in judged)
    return thin / len(judged) if judged else 0.0


def floorless(score: Score) -> float:
    """Longest time in seconds, in whole bars, in which low drums are struck and no pitched note sounds below `FLOOR`;
    intros, breaks and endings are left out."""
    bar, count, drums = float(bar_beats(score)), bar_count(score), unpitched(score)
    struck: set[int] = set()
    low: set[int] = set()
    for n, start, end in spans(score):
        first = int((start + TINY) // bar)
        if n.part in drums and n.pitch in LOW_DRUMS:
            struck.add(first)
        elif n.part not in drums and n.pitch < FLOOR:
            low.update(range(first, min(count, int((end - _BRUSH) // bar) + 1)))
    for s in score.sections:
        if s.role in INSTRUMENTAL:
            low.update(range(int(float(s.start_beat) // bar), int(float(s.start_beat + s.beats) // bar)))
    longest, since = 0.0, None
    for b in range(count + 1):
        if b < count and b not in low and b in struck:
            since = b if since is None else since
        elif since is not None:
            edges = [score.tempo.seconds(x * bar_beats(score)) for x in (since, b)]
            longest, since = max(longest, edges[1] - edges[0]), None
    return longest
