"""Instruments: the built-in bank, and banks that the user names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from game_music_maker.errors import InvalidArgument, NotFound
from game_music_maker.studio.sound.bank import DRUM_BANK, Bank
from game_music_maker.studio.sound.play import play

ROOT = Path(__file__).resolve().parents[3]


def loudest_hz(sound: np.ndarray, rate: int) -> float:
    """Frequency of the highest spectral line, by a parabola through its neighbours."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    k = int(spectrum.argmax())
    a, b, c = np.log(spectrum[k - 1 : k + 2] + 1e-12)
    return float((k + 0.5 * (a - c) / (a - 2 * b + c)) * rate / len(sound))


def test_every_general_midi_program_and_drum_sounds(bank: Bank) -> None:
    for program in range(128):
        assert bank.has(0, program), program
        assert any(zone.answers(60, 90) for zone in bank.zones(0, program)), program
    kit = bank.zones(DRUM_BANK, 0)
    assert all(any(zone.answers(key, 90) for zone in kit) for key in range(35, 82))


def test_the_bank_is_the_one_that_the_papers_name(bank: Bank) -> None:
    papers = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    assert bank.sha256 in papers
    assert bank.name in papers
    assert "Permission is hereby granted, free of charge" in papers
    assert bank.provenance()["licence"] == "MIT"


@pytest.mark.parametrize(("vorbis", "name"), [(False, "own.sf2"), (True, "own.sf3")])
def test_another_bank_plays_in_tune_beyond_its_sample(soundfont, one_part, vorbis: bool, name: str) -> None:
    own = Bank.open(soundfont(vorbis=vorbis, name=name))
    score = one_part([(0, 7, 72, 100)], program=5)  # 3.5 s from a sample of 1 s, moved up three semitones
    played = play(score, own)
    middle = played.mix[96_000:144_000, 0]
    assert 1200 * abs(np.log2(loudest_hz(middle, 48_000) / (440 * 2 ** (3 / 12)))) < 1.0
    assert np.sqrt((middle**2).mean()) > 0.05


def test_tuning_root_and_scale_of_a_zone_are_heard(soundfont, one_part) -> None:
    own = Bank.open(soundfont(gens={58: 60, 51: 1, 52: 50}))  # recorded "as C4", tuned 1.5 semitones up
    played = play(one_part([(0, 4, 60, 100)], program=5), own)
    assert 1200 * abs(np.log2(loudest_hz(played.mix[24_000:72_000, 0], 48_000) / (440 * 2 ** (1.5 / 12)))) < 1.0


def test_a_bank_without_a_program_answers_with_what_it_has(soundfont, one_part) -> None:
    own = Bank.open(soundfont())
    assert not own.has(0, 48)
    assert np.abs(play(one_part([(0, 1, 60, 90)], program=48), own).mix).max() > 0.01
    assert own.provenance()["licence"] != "MIT"


def test_a_bank_that_cannot_be_read_is_one_clear_sentence(tmp_path: Path, soundfont) -> None:
    with pytest.raises(NotFound, match=r"nowhere\.sf2"):
        Bank.open(tmp_path / "nowhere.sf2")
    text = tmp_path / "notes.sf2"
    text.write_text("these are notes, not samples")
    whole = soundfont().read_bytes()
    cut = tmp_path / "cut.sf2"
    cut.write_bytes(whole[: len(whole) - 200])
    empty = tmp_path / "empty.sf2"
    empty.touch()
    for path in (text, cut, empty):
        with pytest.raises(InvalidArgument, match=path.name):
            Bank.open(path)
