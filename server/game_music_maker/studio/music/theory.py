"""Pitch: tonics, modes, roman numerals and the scale that fits a chord.

Roman numerals are always relative to the parallel major of the tonic (``bIII``, ``bVI`` are explicit); their case gives
the third. Suffixes: ``7 maj7 m7 sus2 sus4 add9 6 m6 9 m9 dim aug 5``; ``X/Y`` puts the degree Y into the bass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ...errors import InvalidArgument

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_NUMERAL = re.compile(r"^([b#]*)([iv]+|[IV]+)(.*?)(?:/([b#]*)([1-7]))?$")

_SUFFIX: dict[str, tuple[int | None, tuple[int, ...]]] = {
    # suffix → (third: None = by the case, else semitones, 0 = none), further tones; the fifth is in the tones
    "": (None, (7,)),
    "7": (None, (7, 10)),
    "maj7": (None, (7, 11)),
    "m7": (3, (7, 10)),
    "m9": (3, (7, 10, 14)),
    "9": (None, (7, 10, 14)),
    "maj9": (4, (7, 11, 14)),
    "add9": (None, (7, 14)),
    "6": (None, (7, 9)),
    "m6": (3, (7, 9)),
    "sus2": (0, (2, 7)),
    "sus4": (0, (5, 7)),
    "5": (0, (7,)),
    "dim": (3, (6,)),
    "dim7": (3, (6, 9)),
    "aug": (4, (8,)),
}


def pitch_class(tonic: str) -> int:
    """``"F#"`` → 6. Raises InvalidArgument for anything that is not a letter with # or b."""
    if not re.fullmatch(r"[A-G][#b]?", tonic):
        raise InvalidArgument(f"{tonic!r} is not a tonic; write a letter from A to G with # or b.")
    return (LETTERS[tonic[0]] + tonic.count("#") - tonic.count("b")) % 12


@dataclass(frozen=True, slots=True)
class Numeral:
    """A parsed roman numeral. Semitones above the tonic: `root`, `bass`; above the root: `tones` (0 first).

    `third` is 3, 4 or None (sus and power chords).
    """

    text: str
    root: int
    tones: tuple[int, ...]
    third: int | None
    bass: int

    def pitch_classes(self, tonic: int) -> tuple[int, ...]:
        """Sounding pitch classes, root first."""
        return tuple((tonic + self.root + tone) % 12 for tone in self.tones)


@lru_cache(maxsize=512)
def numeral(text: str) -> Numeral:
    """Parse a roman numeral. Raises InvalidArgument with the numeral in the sentence."""
    match = _NUMERAL.match(text.strip())
    if match is None or match[2].lower() not in _DEGREES or match[3] not in _SUFFIX:
        raise InvalidArgument(f"{text[:24]!r} is not a chord that the composer knows; write i, bVII, V7 …")
    root = (_DEGREES[match[2].lower()] + _sharps(match[1])) % 12
    third, more = _SUFFIX[match[3]]
    if third is None:
        third = 3 if match[2].islower() else 4
    tones = (0, *((third,) if third else ()), *more)
    bass = root if match[5] is None else (_MAJOR[int(match[5]) - 1] + _sharps(match[4])) % 12
    return Numeral(text.strip(), root, tones, third or None, bass)


def _sharps(accidentals: str) -> int:
    return accidentals.count("#") - accidentals.count("b")


def scale_for(chord: Numeral, tonic: int, mode: tuple[int, ...]) -> tuple[int, ...]:
    """The melody's scale over `chord`: the mode, with degrees that clash with a chord tone replaced by it.

    Args:
        mode: semitones above the tonic. A chord tone outside the mode takes the place of the mode's degrees a semitone
            away from it (chord-scale adjustment). Returns pitch classes, sorted from the tonic up.
    """
    inside = set(mode)
    tones = {(chord.root + tone) % 12 for tone in chord.tones}
    for tone in sorted(tones - inside):
        inside -= {degree for degree in ((tone - 1) % 12, (tone + 1) % 12) if degree not in tones and degree != 0}
        inside.add(tone)
    return tuple((tonic + degree) % 12 for degree in sorted(inside))


def fits_mode(chord: Numeral, mode: tuple[int, ...]) -> bool:
    """Whether a tonic chord has the mode's third (chords without a third fit both)."""
    if chord.third is None or chord.root != 0:
        return True
    return chord.third % 12 in mode


@lru_cache(maxsize=4096)
def _rungs(scale: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
    classes = set(scale)
    return tuple(pitch for pitch in range(low, high + 1) if pitch % 12 in classes)


def ladder(scale: tuple[int, ...], low: int, high: int) -> list[int]:
    """All MIDI notes of `scale` (pitch classes) from `low` to `high`."""
    return list(_rungs(tuple(scale), low, high))


def nearest(pitches: list[int], target: float) -> int:
    """The element of `pitches` nearest to `target`, the lower one on a tie. Raises ValueError on an empty list."""
    return min(pitches, key=lambda pitch: (abs(pitch - target), pitch))
