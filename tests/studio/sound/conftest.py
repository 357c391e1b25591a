"""Small scores and a SoundFont of our own making for the tests of the sound."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from game_music_maker.studio.music.score import LoopSpan, Note, Part, Reverb, Score, TempoMap
from game_music_maker.studio.sound.bank import Bank

RATE = 48_000


@pytest.fixture(scope="session")
def bank() -> Bank:
    return Bank.open()


@pytest.fixture(scope="session")
def one_part() -> Callable[..., Score]:
    """A score of one part: `notes` are (beat, beats, key, velocity); 120 a minute, dry unless said."""

    def build(notes: list[tuple[float, float, int, int]], *, seconds: float = 4.0, **options: Any) -> Score:
        loop = options.pop("loop", None)
        reverb = options.pop("reverb", Reverb("none", 0.0, 0.0))
        seed = options.pop("seed", 1)
        lowpass = options.pop("lowpass_hz", 18_000.0)
        part = Part(**({"id": "p", "role": "lead", "program": 0, "range": (0, 127), "layer": "high"} | options))
        found = tuple(Note("p", Fraction(b), Fraction(d), k, v) for b, d, k, v in notes)
        tempo = TempoMap(((Fraction(0), 120.0),))
        return Score(
            (part,),
            found,
            tempo,
            (4, 4),
            seconds,
            ("C", "ionian"),
            loop=loop,
            reverb=reverb,
            seed=seed,
            lowpass_hz=lowpass,
        )

    return build


@pytest.fixture(scope="session")
def band() -> Callable[..., Score]:
    """A whole band: lead, pads, bass, harp, drums, over `bars` bars; `intro` beats before the loop."""

    def build(*, bars: int = 4, bpm: float = 120.0, loop: bool = False, intro: int = 0, seed: int = 1) -> Score:
        parts = (
            Part("lead", "lead", 73, (60, 90), "high", pan=0.1),
            Part("arp", "arp", 46, (50, 80), "base", pan=-0.3),
            Part("pad", "pad", 48, (45, 75), "base"),
            Part("bass", "bass", 32, (28, 50), "mid"),
            Part("perc", "perc", 0, (27, 87), "mid", drums=True),
        )
        chords = ((0, 3, 7), (-4, 0, 3), (-2, 2, 5), (-5, -1, 2))
        notes: list[Note] = []
        beats = bars * 4 + intro
        for b in range(beats if loop else beats - 4):
            chord, at = chords[b // 4 % 4], Fraction(b)
            if b % 4 == 0:
                notes += [Note("pad", at, Fraction(4), 60 + c, 70) for c in chord]
            notes += [Note("arp", at + Fraction(k, 2), Fraction(1, 2), 60 + chord[k], 70) for k in range(2)]
            notes.append(Note("lead", at, Fraction(1), 75 + chord[b % 3], 85))
            notes.append(Note("bass", at, Fraction(1), 36 + chord[0], 85))
            notes.append(Note("perc", at, Fraction(1, 4), 38 if b % 2 else 36, 100))
            notes += [
                Note("perc", at + Fraction(k, 2), Fraction(1, 4), 42 if (b, k) != (3, 1) else 46, 70) for k in range(2)
            ]
        return Score(
            parts,
            tuple(notes),
            TempoMap(((Fraction(0), bpm),)),
            (4, 4),
            beats * 60 / bpm,
            ("C", "aeolian"),
            loop=LoopSpan(Fraction(intro), Fraction(beats - intro)) if loop else None,
            reverb=Reverb("hall", 1.4, 0.2),
            seed=seed,
        )

    return build


@pytest.fixture
def soundfont(tmp_path: Path) -> Callable[..., Path]:
    """A SoundFont of one looped sine at A4 in preset 0:5, as SF2, or as SF3 with an odd, unpadded sample list."""

    def build(*, vorbis: bool = False, name: str = "own.sf2", gens: dict[int, int] | None = None) -> Path:
        path = tmp_path / name
        path.write_bytes(_soundfont(vorbis, gens or {}))
        return path

    return build


def _chunk(name: bytes, body: bytes, *, pad: bool = True) -> bytes:
    return name + struct.pack("<I", len(body)) + body + (b"\0" if pad and len(body) % 2 else b"")


def _soundfont(vorbis: bool, gens: dict[int, int]) -> bytes:
    frames, first, last = 44_100, 4_410, 39_690
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(frames) / 44_100)
    if vorbis:
        stream = io.BytesIO()
        soundfile.write(stream, wave, 44_100, format="OGG", subtype="VORBIS")
        raw = stream.getvalue()
        # One trailing byte outside the stream makes the chunk odd whatever the encoder gave.
        samples, start, end, kind, origin = raw + b"\0" * (1 - len(raw) % 2), 0, len(raw), 17, 0
    else:
        samples, start, end, kind, origin = (wave * 32767).astype("<i2").tobytes() + bytes(92), 0, frames, 1, 0
    amounts = {54: 1, **gens, 53: 0}
    igen = b"".join(struct.pack("<Hh", op, amount) for op, amount in amounts.items()) + struct.pack("<Hh", 0, 0)
    header = struct.pack("<20sIIIIIBbHH", b"sine", start, end, origin + first, origin + last, 44_100, 69, 0, 0, kind)
    tables = {
        b"phdr": struct.pack("<20sHHHIII", b"Sine", 5, 0, 0, 0, 0, 0)
        + struct.pack("<20sHHHIII", b"EOP", 0, 0, 1, 0, 0, 0),
        b"pbag": struct.pack("<HHHH", 0, 0, 1, 0),
        b"pmod": bytes(10),
        b"pgen": struct.pack("<HhHh", 41, 0, 0, 0),
        b"inst": struct.pack("<20sH", b"Sine", 0) + struct.pack("<20sH", b"EOI", 1),
        b"ibag": struct.pack("<HHHH", 0, 0, len(amounts), 0),
        b"imod": bytes(10),
        b"igen": igen,
        b"shdr": header + struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    info = _chunk(b"ifil", struct.pack("<HH", 3 if vorbis else 2, 1))
    sdta = b"sdta" + _chunk(b"smpl", samples, pad=False)
    pdta = b"pdta" + b"".join(_chunk(name, body) for name, body in tables.items())
    body = b"sfbk" + _chunk(b"LIST", b"INFO" + info) + _chunk(b"LIST", sdta, pad=False) + _chunk(b"LIST", pdta)
    return b"RIFF" + struct.pack("<I", len(body)) + body
