"""How alike two pieces are: the mark that a piece leaves behind, and the nearest of those that earlier ones left.

S is the bar similarity of `metrics.bar_similarity` between the same bars of two pieces, drums' onsets included, both
transposed to C. Two pieces above `SAME` sound like takes of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import Q, by_bars
from .score import Score
from .theory import pitch_class

Floats = NDArray[np.float64]

SAME = 0.92
BARS = 16


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The first bars of a piece, transposed to C.

    Attributes:
        onsets: (bars, Q) zeros and ones, drums included. pitch: (bars, 12) lengths of the pitch classes in beats.
    """

    onsets: Floats
    pitch: Floats

    def to_json(self) -> dict[str, Any]:
        """Rows as lists; lengths to a thousandth of a beat."""
        return {"onsets": self.onsets.astype(int).tolist(), "pitch": np.round(self.pitch, 3).tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fingerprint | None:
        """None where `data` is not one."""
        try:
            onsets, pitch = np.array(data["onsets"], np.float64), np.array(data["pitch"], np.float64)
        except (KeyError, TypeError, ValueError):
            return None
        fits = (
            onsets.ndim == pitch.ndim == 2
            and len(onsets) == len(pitch)
            and (onsets.shape[1], pitch.shape[1]) == (Q, 12)
        )
        return cls(onsets, pitch) if fits else None


def fingerprint(score: Score) -> Fingerprint:
    """The mark of `score`: its first `BARS` bars, the one that its last chord rings in included."""
    rows = by_bars(replace(score, sections=()))
    return Fingerprint(rows.groove[:BARS], np.roll(rows.pitch[:BARS], -pitch_class(score.key[0]), axis=1))


def likeness(first: Fingerprint, second: Fingerprint) -> float:
    """Mean S over the bars that both have, bars silent in both left out (0 … 1)."""
    n = min(len(first.onsets), len(second.onsets))
    a, b = first.pitch[:n], second.pitch[:n]
    onset = 1 - np.abs(first.onsets[:n] - second.onsets[:n]).mean(axis=1)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.divide((a * b).sum(axis=1), norms, out=np.zeros(n), where=norms > 0)
    used = a.any(axis=1) | b.any(axis=1)
    return float((0.5 * onset + 0.5 * cosine)[used].mean()) if used.any() else 0.0


def nearest(mark: Fingerprint, others: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The nearest of earlier pieces, for the provenance.

    Args:
        others: what each left: its `Fingerprint.to_json` with ``notes_hash``, ``palette`` and ``seed``. Those without a
            readable mark are passed over.

    Returns:
        ``compared``, ``limit``, and where there is one ``similarity`` (0 … 1), ``palette``, ``seed`` and ``notes_hash``
        of the nearest, and ``distinct`` (not above the limit).
    """
    best: Mapping[str, Any] | None = None
    highest, count = -1.0, 0
    for other in others:
        known = Fingerprint.from_json(other)
        if known is None:
            continue
        count += 1
        found = likeness(mark, known)
        if found > highest:
            highest, best = found, other
    out: dict[str, Any] = {"compared": count, "limit": SAME}
    if best is not None:
        out |= {"similarity": round(highest, 4), "distinct": highest <= SAME}
        out |= {name: best.get(name) for name in ("palette", "seed", "notes_hash")}
    return out
