"""A score as a Standard MIDI File, type 1: tempo map, metre, markers, programs, one track a part.

After the Standard MIDI Files 1.0 specification (MMA RP-001); programs and percussion keys are General MIDI.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from .score import Note, Part, Score

TICKS = 960
"""Ticks a quarter note: divisible by 64ths and triplets of them."""

_DRUM_CHANNEL = 9


class _Event(NamedTuple):
    """`order` keeps note-offs before note-ons of the same tick, so that a repeated key sounds again."""

    tick: int
    order: int
    data: bytes


def write_midi(score: Score) -> bytes:
    """`score` as the bytes of a Standard MIDI File.

    Markers carry the sections and, for a loop, ``loopStart`` and ``loopEnd`` (the names that game engines
    read). A note that rings over the end of a loop is closed at the loop's end, so that the file repeats
    safely. Parts beyond the fifteen melodic channels share channels in turn.
    """
    tracks = [_conductor(score)]
    channels = _channels(score.parts)
    for part in score.parts:
        notes = [note for note in score.notes if note.part == part.id]
        tracks.append(_part(part, notes, channels[part.id], score))
    header = b"MThd" + (6).to_bytes(4, "big") + (1).to_bytes(2, "big")
    header += len(tracks).to_bytes(2, "big") + TICKS.to_bytes(2, "big")
    return header + b"".join(tracks)


def _channels(parts: tuple[Part, ...]) -> dict[str, int]:
    melodic = [channel for channel in range(16) if channel != _DRUM_CHANNEL]
    found: dict[str, int] = {}
    taken = 0
    for part in parts:
        if part.drums:
            found[part.id] = _DRUM_CHANNEL
        else:
            found[part.id] = melodic[taken % len(melodic)]
            taken += 1
    return found


def _tick(beat: Fraction | float) -> int:
    return max(0, round(beat * TICKS))


def _conductor(score: Score) -> bytes:
    events = [_Event(0, 0, _meta(0x03, (score.title or "Score").encode()))]
    numerator, denominator = score.meter
    power = denominator.bit_length() - 1
    events.append(_Event(0, 0, _meta(0x58, bytes([numerator, power, 24, 8]))))
    for beat, bpm in score.tempo.points:
        events.append(_Event(_tick(beat), 0, _meta(0x51, round(60_000_000 / bpm).to_bytes(3, "big"))))
    for section in score.sections:
        events.append(_Event(_tick(section.start_beat), 1, _meta(0x06, section.id.encode())))
    if score.loop is not None:
        start, end = score.loop.start_beat, score.loop.start_beat + score.loop.len_beats
        events.append(_Event(_tick(start), 2, _meta(0x06, b"loopStart")))
        events.append(_Event(_tick(end), 2, _meta(0x06, b"loopEnd")))
    return _track(events)


def _part(part: Part, notes: list[Note], channel: int, score: Score) -> bytes:
    events = [_Event(0, 0, _meta(0x03, part.id.encode()))]
    if not part.drums:
        events.append(_Event(0, 1, bytes([0xC0 | channel, part.program])))
    events.append(_Event(0, 1, bytes([0xB0 | channel, 10, round(64 + 63 * part.pan)])))
    limit = None if score.loop is None else _tick(score.loop.start_beat + score.loop.len_beats)
    for note in notes:
        bpm = score.tempo.bpm_at(note.beat)
        shift = round(note.micro_ms / 1000 * bpm / 60 * TICKS)
        start = max(0, _tick(note.beat) + shift)
        end = max(start + 1, _tick(note.beat + note.dur_beats) + shift)
        if limit is not None:
            start, end = min(start, limit - 1), min(end, limit)
        events.append(_Event(start, 4, bytes([0x90 | channel, note.pitch, note.vel])))
        events.append(_Event(end, 3, bytes([0x80 | channel, note.pitch, 64])))
    return _track(events)


def _meta(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + _variable(len(data)) + data


def _variable(value: int) -> bytes:
    """A variable-length quantity: seven bits a byte, most significant first."""
    out = bytearray([value & 0x7F])
    while value := value >> 7:
        out.insert(0, (value & 0x7F) | 0x80)
    return bytes(out)


def _track(events: list[_Event]) -> bytes:
    body = bytearray()
    at = 0
    for event in sorted(events):
        body += _variable(event.tick - at) + event.data
        at = event.tick
    body += _variable(0) + _meta(0x2F, b"")
    return b"MTrk" + len(body).to_bytes(4, "big") + bytes(body)
