"""The instruments: presets of a SoundFont with their zones worked out, and the decoded samples while it is open."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from importlib import resources
from pathlib import Path
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from .soundfont import INSTRUMENT, KEY_RANGE, SAMPLE_ID, VEL_RANGE, RawZone, SoundFont

Floats = NDArray[np.float32]

Shape = tuple[float, float, float, float, float, float]
"""An envelope: delay, attack, hold, decay in seconds, sustain, release in seconds."""

DRUM_BANK = 128
_MOST_FRAMES = 12_000_000
"""Decoded samples kept for the next part: 48 MB."""
BUILT_IN = "FluidR3Mono_GM.sf3"

# Generator defaults other than 0 (specification 8.1.3): −12000 timecents is about 1 ms.
_TIMES = (21, 23, 25, 26, 27, 28, 30, 33, 34, 35, 36, 38)
_DEFAULTS = {8: 13_500, 46: -1, 47: -1, 56: 100, 58: -1} | dict.fromkeys(_TIMES, -12_000)
# Generators that a preset zone must not offset (8.5), besides the ranges and indices.
_INSTRUMENT_ONLY = frozenset((0, 1, 2, 3, 4, 12, 41, 43, 44, 45, 46, 47, 50, 53, 54, 57, 58))
_VELOCITY_TO_CUTOFF = frozenset((0x102, 0x502))


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """One sample's duty in a preset, units resolved (section 8.1.3 of the specification).

    Attributes:
        keys, vels: MIDI range that it answers, inclusive.
        sample: index of the sample; `root` the MIDI key of its pitch; `tuning` semitones on top; `scale` semitones
            a key.
        start, end: first frame and the one after the last; `loop` (first, after last) or None.
        loop_release: False = after the key goes up the rest of the sample is played instead of the loop.
        attenuation_db: static level. pan: −1 … 1. cutoff_cents (absolute, 8.176 Hz = 0), q_db: low-pass filter.
        velocity_cutoff: cents of cutoff taken away as the velocity falls to 0.
        volume: delay, attack, hold, decay, release in seconds and sustain in dB below the peak.
        key_hold, key_decay: timecents per key that hold and decay shorten above key 60.
        modulation: the same six of the modulation envelope, sustain as a share; `mod_to_pitch`, `mod_to_cutoff` cents.
        vibrato: (delay s, Hz, cents) of the vibrato or modulation LFO on pitch; `tremolo_db` of the latter on level.
        choke: exclusive class, 0 = none.
    """

    keys: tuple[int, int]
    vels: tuple[int, int]
    sample: int
    root: int
    tuning: float
    scale: float
    start: int
    end: int | None
    loop: tuple[int, int] | None
    loop_release: bool
    rate: int
    attenuation_db: float
    pan: float
    cutoff_cents: float
    q_db: float
    velocity_cutoff: float
    volume: Shape
    key_hold: float
    key_decay: float
    modulation: Shape
    mod_to_pitch: float
    mod_to_cutoff: float
    vibrato: tuple[float, float, float]
    tremolo_db: float
    choke: int
    fixed_key: int
    fixed_vel: int
    voice: int = 0
    """Equal for zones of a bank that differ in nothing but the range they answer."""

    def answers(self, key: int, vel: int) -> bool:
        return self.keys[0] <= key <= self.keys[1] and self.vels[0] <= vel <= self.vels[1]


_SOUNDING = tuple(field.name for field in fields(Zone) if field.name not in ("keys", "vels", "voice"))
"""What makes two zones sound alike, whatever range they answer."""


class Bank:
    """An open bank. Decoding is lazy and kept for the bank's life; `sha256` names the exact file. Several threads may
    use it."""

    def __init__(self, font: SoundFont) -> None:
        self._font = font
        self._presets: dict[tuple[int, int], tuple[Zone, ...]] = {}
        self._samples: dict[int, Floats] = {}
        self._voices: dict[tuple[object, ...], int] = {}
        self._lock = RLock()
        self._sha = ""

    @classmethod
    def open(cls, path: Path | None = None) -> Bank:
        """The built-in bank, or the SF2 or SF3 file at `path`.

        Raises:
            NotFound: there is no such file.
            InvalidArgument: it is no sound bank, or a damaged one.
        """
        return cls(SoundFont(path if path is not None else built_in()))

    @property
    def name(self) -> str:
        return self._font.path.name

    @property
    def sha256(self) -> str:
        if not self._sha:
            with self._font.path.open("rb") as file:
                self._sha = hashlib.file_digest(file, "sha256").hexdigest()
        return self._sha

    def provenance(self) -> dict[str, str]:
        """Name, SHA-256, licence and origin, as far as they are known."""
        known = self._font.path == built_in()
        return {
            "file": self.name,
            "sha256": self.sha256,
            "licence": "MIT" if known else "as stated by the bank's maker",
            "origin": "Fluid (R3) Mono GM, Frank Wen, Michael Cowgill and others" if known else "named by the user",
        }

    def has(self, bank: int, program: int) -> bool:
        return (bank, program) in self._font.presets

    def preset_name(self, bank: int, program: int) -> str:
        """What the bank calls it, or an empty string where it has none."""
        found = self._font.presets.get((bank, program))
        return found[0] if found else ""

    def zones(self, bank: int, program: int) -> tuple[Zone, ...]:
        """All zones of a preset. A bank without it answers with the nearest it has: the same program in bank 0,
        the standard kit, the first program of the same General MIDI family, or the first preset of all."""
        key = (bank, program)
        with self._lock:
            if key not in self._presets:
                self._presets[key] = self._resolve(self._nearest(bank, program))
            return self._presets[key]

    def _nearest(self, bank: int, program: int) -> tuple[int, int]:
        have = self._font.presets
        wanted = [(bank, program), (DRUM_BANK, 0) if bank == DRUM_BANK else (0, program)]
        wanted += [(bank, other) for other in range(program // 8 * 8, program // 8 * 8 + 8)]
        return next((key for key in wanted if key in have), min(have))

    def _resolve(self, key: tuple[int, int]) -> tuple[Zone, ...]:
        found = []
        common: RawZone | None = None
        for i, outer in enumerate(self._font.presets[key][1]):
            if INSTRUMENT not in outer.gens:
                common = outer if i == 0 else common
                continue
            merged = RawZone((common.gens if common else {}) | outer.gens, outer.mods)
            found += self._instrument(merged)
        return tuple(found)

    def _instrument(self, outer: RawZone) -> list[Zone]:
        found = []
        common: RawZone | None = None
        for i, inner in enumerate(self._font.instruments[outer.gens[INSTRUMENT]]):
            if SAMPLE_ID not in inner.gens:
                common = inner if i == 0 else common
                continue
            gens = (common.gens if common else {}) | inner.gens
            zone = self._zone(RawZone(gens, (common.mods if common else ()) + inner.mods), outer)
            if zone is not None:
                found.append(self._numbered(zone))
        return found

    def _numbered(self, zone: Zone) -> Zone:
        """`zone` with its `voice`: banks cut velocity ranges into many zones of one sound."""
        sound = tuple(getattr(zone, name) for name in _SOUNDING)
        return replace(zone, voice=self._voices.setdefault(sound, len(self._voices)))

    def _zone(self, inner: RawZone, outer: RawZone) -> Zone | None:
        keys = _overlap(inner.span(KEY_RANGE), outer.span(KEY_RANGE))
        vels = _overlap(inner.span(VEL_RANGE), outer.span(VEL_RANGE))
        index = inner.gens[SAMPLE_ID]
        if keys is None or vels is None or not 0 <= index < len(self._font.samples):
            return None
        head = self._font.samples[index]

        def gen(number: int) -> int:
            value = inner.gens.get(number, _DEFAULTS.get(number, 0))
            return value if number in _INSTRUMENT_ONLY else value + outer.gens.get(number, 0)

        root = gen(58) if 0 <= gen(58) <= 127 else min(head.key, 127)
        cents = head.correction + 100 * gen(51) + gen(52)
        loop = (
            head.loop_start + gen(2) + 32_768 * gen(45),
            head.loop_end + gen(3) + 32_768 * gen(50),
        )
        velocity = [a for src, dest, a in inner.mods if dest == 8 and src in _VELOCITY_TO_CUTOFF]
        vibrato, tremolo = _lfo(gen)
        return Zone(
            keys=keys,
            vels=vels,
            sample=index,
            root=root,
            tuning=cents / 100,
            scale=gen(56) / 100,
            start=max(0, gen(0) + 32_768 * gen(4)),
            end=gen(1) + 32_768 * gen(12) or None,
            loop=loop if gen(54) & 1 and loop[1] - loop[0] > 1 else None,
            loop_release=gen(54) & 3 != 3,
            rate=head.rate,
            # Hardware and every bank made by ear take 0.4 of the written attenuation (FluidSynth does the same).
            attenuation_db=0.04 * max(0, gen(48)),
            pan=max(-1.0, min(1.0, gen(17) / 500)),
            cutoff_cents=float(gen(8)),
            q_db=gen(9) / 10,
            velocity_cutoff=float(-velocity[-1] if velocity else 0),
            volume=_shape(gen, 33, max(0, gen(37)) / 10),
            key_hold=float(gen(39)),
            key_decay=float(gen(40)),
            modulation=_shape(gen, 25, 1 - max(0, gen(29)) / 1000),
            mod_to_pitch=float(gen(7)),
            mod_to_cutoff=float(gen(11)),
            vibrato=vibrato,
            tremolo_db=tremolo,
            choke=gen(57),
            fixed_key=gen(46),
            fixed_vel=gen(47),
        )

    def sample(self, index: int) -> Floats:
        """Frames of a sample, shape (n,), decoded once."""
        with self._lock:
            if index not in self._samples:
                self._samples[index] = self._font.pcm(index)
            return self._samples[index]

    def prefetch(self, indices: Iterable[int]) -> None:
        """Decode several samples at once on two threads (the decoder lets go of the interpreter lock)."""
        with self._lock:
            self._keep(set(indices))

    def _keep(self, wanted: set[int]) -> None:
        missing = sorted(wanted - self._samples.keys())
        for index in [i for i in self._samples if i not in wanted]:
            if sum(len(sample) for sample in self._samples.values()) < _MOST_FRAMES:
                break
            del self._samples[index]
        if len(missing) < 2:
            return
        with ThreadPoolExecutor(2) as pool:
            self._samples.update(zip(missing, pool.map(self._font.pcm, missing), strict=True))


def built_in() -> Path:
    """The bank inside the package."""
    return Path(str(resources.files(__package__) / "banks" / BUILT_IN))


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int] | None:
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return (low, high) if low <= high else None


def _seconds(timecents: int) -> float:
    return 0.0 if timecents <= -12_000 else float(min(2.0 ** (timecents / 1200), 60.0))


def _shape(gen: Callable[[int], int], first: int, sustain: float) -> Shape:
    """An envelope from its generators: delay, attack, hold and decay from `first` on, release two after the sustain."""
    delay, attack, hold, decay, release = (_seconds(gen(first + k)) for k in (0, 1, 2, 3, 5))
    return delay, attack, hold, decay, sustain, release


def _lfo(gen: Callable[[int], int]) -> tuple[tuple[float, float, float], float]:
    """Vibrato (delay s, Hz, cents) and tremolo (dB) from the stronger of the two oscillators on pitch."""
    slow = (_seconds(gen(21)), 8.176 * 2 ** (gen(22) / 1200), float(gen(5)))
    own = (_seconds(gen(23)), 8.176 * 2 ** (gen(24) / 1200), float(gen(6)))
    return (slow if abs(slow[2]) > abs(own[2]) else own), abs(gen(13)) / 10
