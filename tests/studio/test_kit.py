"""The engine kit: complete, loadable by other programs, the same every time."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import mido
import mutagen
import numpy as np
import pytest
import soundfile
import symusic

from game_music_maker.contract.score import ScorePlan
from game_music_maker.studio.kit import Origin, make_kit, stinger_scores
from game_music_maker.studio.music.score import LoopSpan, Note, Part, Reverb, Score, TempoMap
from game_music_maker.studio.sound.bank import Bank
from game_music_maker.studio.sound.play import Played, play

RATE = 48_000
PLAN = ScorePlan(version=1, seed=7)


def score_of(*, loop: bool, intro: int = 0, beats: int = 8) -> Score:
    parts = (
        Part("lead", "lead", 73, (60, 90), "high"),
        Part("pad", "pad", 48, (45, 75), "base"),
        Part("perc", "perc", 0, (27, 87), "mid", drums=True),
    )
    notes = [Note("lead", Fraction(b), Fraction(1, 2), 72 + b % 5, 90) for b in range(beats + intro - 2 * (not loop))]
    notes += [Note("pad", Fraction(b), Fraction(4), 60 + k, 70) for b in range(0, beats + intro, 4) for k in (0, 4, 7)]
    notes += [Note("perc", Fraction(b), Fraction(1, 4), 36 if b % 2 == 0 else 38, 100) for b in range(beats + intro)]
    return Score(
        parts,
        tuple(notes),
        TempoMap(((Fraction(0), 120.0),)),
        (4, 4),
        (beats + intro) / 2,
        ("D", "dorian"),
        loop=LoopSpan(Fraction(intro), Fraction(beats)) if loop else None,
        reverb=Reverb("room", 0.8, 0.2),
        title="Dungeon",
        seed=7,
    )


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank.open()


@pytest.fixture(scope="module")
def kit(bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Score, Played, zipfile.ZipFile]]:
    stingers = {name: replace(score_of(loop=False, beats=4)) for name in ("victory", "defeat", "transition")}

    def build(**options: object) -> tuple[Score, Played, zipfile.ZipFile]:
        score = score_of(**options)  # type: ignore[arg-type]
        played = play(score, bank)
        out = tmp_path_factory.mktemp("kit") / "kit.zip"
        report = {"gates": {"H1": 2.1}, "cue_sheet": {"hits": []}}
        origin = Origin(version="1.2.3", given=("seed",), nearest={"compared": 1, "similarity": 0.5})
        make_kit(score, PLAN, played, report, out, bank=bank, stingers=stingers, origin=origin)
        return score, played, zipfile.ZipFile(out)

    return build


@pytest.fixture(scope="module")
def looped(kit: Callable[..., tuple[Score, Played, zipfile.ZipFile]]) -> tuple[Score, Played, zipfile.ZipFile]:
    return kit(loop=True, intro=4)


def sound(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    return soundfile.read(io.BytesIO(archive.read(name)), dtype="float32", always_2d=True)[0]


def test_everything_is_in_it(looped) -> None:
    names = set(looped[2].namelist())
    papers = {"score.mid", "plan.json", "cue_sheet.json", "report.json", "provenance.json", "README.txt"}
    stems = {f"stems/{layer}.wav" for layer in ("base", "mid", "high", "peak")}
    stingers = {f"stingers/{name}.ogg" for name in ("victory", "defeat", "transition")}
    assert names == papers | stems | stingers | {"loop.ogg", "loop.wav", "intro.ogg"}
    assert looped[2].testzip() is None


def test_the_loop_is_exact_and_tagged(looped) -> None:
    _, played, archive = looped
    first, length = played.loop
    tags = mutagen.File(io.BytesIO(archive.read("loop.ogg"))).tags
    assert tags["LOOPSTART"] == ["0"]
    assert tags["LOOPLENGTH"] == [str(length)]
    assert [key for key, _ in tags][-2:] == ["LOOPSTART", "LOOPLENGTH"]
    assert len(sound(archive, "loop.ogg")) == length
    wav = archive.read("loop.wav")
    at = wav.index(b"smpl") + 8
    assert struct.unpack_from("<6I", wav, at + 36)[2:4] == (0, length - 1)
    assert np.abs(sound(archive, "loop.wav") - played.steady).max() < 1e-6
    intro = mutagen.File(io.BytesIO(archive.read("intro.ogg")))
    assert intro.tags["INTROLENGTH"] == [str(first)]
    assert len(sound(archive, "intro.ogg")) > first


def test_stems_are_aligned_and_add_up_to_the_mix_before_mastering(looped) -> None:
    _, played, archive = looped
    first, length = played.loop
    stems = {layer: sound(archive, f"stems/{layer}.wav") for layer in ("base", "mid", "high", "peak")}
    assert {len(stem) for stem in stems.values()} == {length}
    whole = sum(stem[first:] for stem in played.stems.values())
    gain = 10 ** (json.loads(archive.read("report.json"))["sound"]["stems"]["gain_db"] / 20)
    rest = sum(stems.values()) / gain - whole
    assert 20 * np.log10(np.std(rest) / np.std(whole)) <= -80
    assert not stems["peak"].any()


def test_the_midi_is_read_alike_by_two_libraries(looped) -> None:
    score, _, archive = looped
    raw = archive.read("score.mid")
    midi = mido.MidiFile(file=io.BytesIO(raw))
    notes = [m for track in midi.tracks for m in track if m.type == "note_on" and m.velocity]
    other = symusic.Score.from_midi(raw)
    assert len(notes) == len(score.notes) == sum(len(track.notes) for track in other.tracks)
    assert sorted(m.note for m in notes) == sorted(n.pitch for track in other.tracks for n in track.notes)
    assert [round(tempo.qpm, 2) for tempo in other.tempos] == [score.tempo.points[0][1]]
    assert {(s.numerator, s.denominator) for s in other.time_signatures} == {score.meter}
    assert {track.program for track in other.tracks if not track.is_drum} == {73, 48}
    assert any(track.is_drum for track in other.tracks)


def test_libsndfile_reads_the_loop_points(looped, tmp_path: Path) -> None:
    _, played, archive = looped
    for name in ("loop.wav", "stems/base.wav"):
        path = tmp_path / Path(name).name
        path.write_bytes(archive.read(name))
        # SFC_GET_INSTRUMENT fills SF_INSTRUMENT: ten bytes and a count, then {mode, start, end, count} of each loop
        data = bytearray(12 + 4 + 16 * 16)
        with soundfile.SoundFile(path) as file:
            view = soundfile._ffi.from_buffer(data)
            assert soundfile._snd.sf_command(file._file, 0x10D0, view, len(data)) == 1
        (count,) = struct.unpack_from("<i", data, 12)
        mode, start, end, _ = struct.unpack_from("<iIII", data, 16)
        assert (count, mode, start) == (1, 801, 0)  # SF_LOOP_FORWARD
        assert end in (played.loop[1] - 1, played.loop[1])  # libsndfile counts the end exclusively from 1.1 on


def test_the_papers_are_true(looped) -> None:
    score, _, archive = looped
    report, made = (json.loads(archive.read(name)) for name in ("report.json", "provenance.json"))
    assert report["gates"] == {"H1": 2.1}
    assert report["sound"]["gates"]["stem null dB"] is True
    assert report["sound"]["metrics"]["low end mono"] > 0.9
    assert made["nearest_own_output"] == {"compared": 1, "similarity": 0.5}
    assert report["sound"]["seam"]["passed"] is True
    assert report["sound"]["stems"]["null_db"] <= -80
    assert abs(report["sound"]["loudness"]["integrated_lufs"] - score.lufs) <= 0.5
    assert json.loads(archive.read("cue_sheet.json")) == {"hits": []}
    assert ScorePlan.model_validate_json(archive.read("plan.json")) == PLAN
    assert made["engine"] == {"name": "Game Music Maker", "version": "1.2.3"}
    assert made["trained_model_used_for_audio"] is False
    assert made["plan_fields_from_the_caller"] == ["seed"]
    assert made["sound_banks"][0]["licence"] == "MIT"
    for name in set(archive.namelist()) - {"provenance.json"}:
        assert made["files_sha256"][name] == hashlib.sha256(archive.read(name)).hexdigest(), name


def test_the_readme_names_every_engine_and_the_numbers(looped) -> None:
    _, played, archive = looped
    text = archive.read("README.txt").decode()
    for word in ("GODOT", "UNITY", "FMOD", "WWISE", "D dorian", "120", str(played.loop[0]), str(played.loop[1])):
        assert word in text


def test_stingers_are_in_the_key_tempo_and_metre_of_the_piece() -> None:
    for meter in ((4, 4), (3, 4), (6, 8)):
        score = replace(score_of(loop=True), meter=meter)
        for name, cue in stinger_scores(score, PLAN).items():
            assert (cue.meter, cue.key[0], cue.tempo.points[0][1]) == (meter, "D", 120.0), name


def test_stingers_sound(looped) -> None:
    for name in ("victory", "defeat", "transition"):
        assert np.abs(sound(looped[2], f"stingers/{name}.ogg")).max() > 0.05


def test_a_piece_that_ends_comes_whole(kit) -> None:
    score, _, archive = kit(loop=False)
    names = set(archive.namelist())
    assert {"music.ogg", "music.wav"} <= names
    assert not names & {"loop.ogg", "loop.wav", "intro.ogg"}
    assert "LOOPSTART" not in mutagen.File(io.BytesIO(archive.read("music.ogg"))).tags
    assert len(sound(archive, "music.wav")) == round(score.length_s * RATE)
    assert json.loads(archive.read("report.json"))["sound"]["seam"] is None
    assert b"smpl" not in archive.read("stems/base.wav")


def test_equal_scores_make_equal_kits(kit) -> None:
    first, second = kit(loop=True)[2], kit(loop=True)[2]
    assert Path(first.filename).read_bytes() == Path(second.filename).read_bytes()
    assert {info.date_time for info in first.infolist()} == {(1980, 1, 1, 0, 0, 0)}
