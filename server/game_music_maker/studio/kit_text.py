"""The kit's README: how to load it in each engine, with the numbers of this very piece."""

from __future__ import annotations

from .music.score import Score
from .sound.play import Played

_HEAD = """{title}

Key {tonic} {mode}, {bpm:g} quarter notes a minute, metre {over}/{under}, {rate} Hz stereo.
"""

_LOOP = """
loop.ogg, loop.wav   the loop, {length} samples ({seconds:.3f} s, {beats:g} beats), seamless: repeat all of it.
                     loop.ogg carries LOOPSTART and LOOPLENGTH, loop.wav a smpl chunk.
"""

_INTRO = """intro.ogg            play once, first. It ends in music at sample {first} (tag INTROLENGTH): start the loop
                     there and let the rest ring out over it.
"""

_WHOLE = """
music.ogg, music.wav the piece, with its ending.
"""

_REST = """stems/*.wav          base, mid, high, peak: sample-aligned layers, 24 bit. Together they are the mix before
                     mastering (at {gain:+.2f} dB); {master:+.2f} dB on their bus matches the mastered file.
stingers/*.ogg       victory, defeat, transition: same key, tempo and metre; start them on a bar line.
score.mid            the notes: tempo map, markers, programs.
plan.json            the score plan; send it back to change the music and keep the rest.
cue_sheet.json       what was planned to meet the picture, and what the sound does.
report.json          measurements: loudness, seam, composition.
provenance.json      how it was made, with which samples and licences, and the SHA-256 of every file.

GODOT 4    Import loop.ogg, Import tab: Loop on, Offset 0, BPM {bpm:g}, Beat Count {beats:g}, Bar Beats {over}.
           Layers: AudioStreamSynchronized with the four stems (Loop Mode Forward on each WAV); fade with
           set_sync_stream_volume. Intro: AudioStreamInteractive, clip 0 intro, clip 1 loop, transition at its end.
UNITY      Put loop.wav on an AudioSource with Loop on (import as Vorbis or PCM, not MP3).
           Layers: four AudioSources, each PlayScheduled at the same dspTime. Intro: PlayScheduled(t) for the intro,
           PlayScheduled(t + {first} / {rate}.0) for the loop.
FMOD       One track per stem in one event, all starting at 0, a loop region of {beats:g} beats at {bpm:g} BPM;
           a parameter automates the tracks' volumes. Stingers: a command instrument quantised to the bar.
WWISE      Music Segment with four tracks (the stems), tempo {bpm:g}, time signature {over}/{under}, entry cue at 0,
           exit cue at sample {length}; a Switch or an RTPC on the tracks' volumes. Stingers: trigger on Next Bar.
"""


def readme(score: Score, played: Played, stem_gain_db: float) -> str:
    """The text for this kit; `stem_gain_db` is the stems' common gain."""
    first, length = played.loop or (0, len(played.mix))
    bpm = score.tempo.points[0][1]
    numbers = {
        "title": score.title or "Game music",
        "tonic": score.key[0],
        "mode": score.key[1],
        "bpm": bpm,
        "over": score.meter[0],
        "under": score.meter[1],
        "rate": played.rate,
        "length": length,
        "first": first,
        "seconds": length / played.rate,
        "beats": float(score.loop.len_beats) if score.loop else round(length / played.rate * bpm / 60, 3),
        "gain": stem_gain_db,
        "master": played.mastered.gain_db - stem_gain_db,
    }
    text = _HEAD + (_WHOLE if played.loop is None else _LOOP + (_INTRO if first else "")) + _REST
    return text.format(**numbers)
