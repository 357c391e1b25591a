"""Pieces of a few bars: the form is shortened, not broken off, and the theme is known again."""

from __future__ import annotations

from fractions import Fraction

import pytest

from game_music_maker.contract.score import PaletteChoice, ScorePlan, SectionPlan
from game_music_maker.studio.footage import Cut, VideoMap
from game_music_maker.studio.music import metrics, metrics_lines
from game_music_maker.studio.music.brief import Brief
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.library import library
from game_music_maker.studio.music.plan import make_plan
from game_music_maker.studio.music.score import Note, Score
from game_music_maker.studio.music.theory import numeral

SLOW = ("title_menu", "lofi_chill", "farming_cozy", "stealth_spy")
SCORED = tuple(p.id for p in library().palettes.values() if p.kind != "cue")


def clip(seconds: float) -> VideoMap:
    """A clip that gets livelier, cut every six seconds."""
    cuts = tuple(Cut(t=6.0 * i + 0.3, w=1.0) for i in range(1, int(seconds / 6)))
    flow = tuple(0.1 + 0.8 * i / (seconds * 10) for i in range(int(seconds * 10)))
    return VideoMap(fps=30, duration=seconds, cuts=cuts, flow=flow, colour=0.4, look="accurate")


def piece(palette: str, seconds: float, seed: int = 2, *, loop: bool = False) -> Score:
    given = ScorePlan(seed=seed, palette=PaletteChoice(scene=palette, style=palette), loop=loop)
    video = clip(seconds)
    return compose(make_plan(Brief(), video, given=given)[0], video)


def tune(score: Score) -> list[Note]:
    leads = {p.id for p in score.parts if p.role == "lead"}
    return sorted((n for n in score.notes if n.part in leads), key=lambda n: n.beat)


def bars_of(score: Score, first: Fraction, count: int) -> list[tuple[Fraction, int]]:
    """The tune of `count` bars from beat `first` on, as (beat from there, pitch)."""
    length = count * metrics.bar_beats(score)
    return [(n.beat - first, n.pitch) for n in tune(score) if first <= n.beat < first + length]


@pytest.mark.parametrize("palette", SCORED)
@pytest.mark.parametrize("seconds", [30.0, 45.0])
def test_a_piece_shorter_than_its_form_brings_its_theme_back(palette: str, seconds: float) -> None:
    score = piece(palette, seconds)
    whole = sum(int(item.strip("*]").split("[")[1]) for item in library().palettes[palette].form)
    if not 12 <= metrics.bar_count(score) < whole:
        return
    roles = [s.role for s in score.sections if s.role != "intro"]
    assert roles[0] == "A"
    assert roles[-2:] == ["B", "A'"]
    assert all(s.bars >= 4 for s in score.sections if s.role != "intro")
    theme = sum(s.bars for s in score.sections if s.role in ("A", "A'"))
    assert theme >= metrics.bar_count(score) / 2


@pytest.mark.parametrize("seconds", [8.0, 15.0, 20.0])
def test_a_piece_of_a_few_bars_has_one_theme_and_no_intro(seconds: float) -> None:
    for palette in SLOW:
        score = piece(palette, seconds)
        assert {s.role for s in score.sections} <= ({"A", "A'"} if metrics.bar_count(score) < 12 else {"A", "A'", "B"})
        assert bars_of(score, Fraction(0), 2), palette


@pytest.mark.parametrize("palette", SLOW)
def test_the_theme_returns_with_its_own_head(palette: str) -> None:
    score = piece(palette, 45)
    first = next(s for s in score.sections if s.role == "A")
    last = next(s for s in reversed(score.sections) if s.role == "A'")
    assert bars_of(score, first.start_beat, 2) == bars_of(score, last.start_beat, 2)
    assert metrics_lines.motif_count(tune(score), metrics.bar_beats(score)) >= 3


@pytest.mark.parametrize("palette", ["title_menu", "synthwave_racing", "western_frontier"])
def test_an_ending_comes_home_from_another_chord(palette: str) -> None:
    for seed in range(4):
        before, last = piece(palette, 45, seed).chords[-2:]
        assert numeral(before.rn).root != numeral(last.rn).root


@pytest.mark.parametrize("palette", ["title_menu", "mystery_investigation"])
def test_bars_of_a_short_piece_come_back(palette: str) -> None:
    for seed in (0, 2):
        score = piece(palette, 45, seed, loop=True)
        assert metrics.recall(metrics.bar_similarity(metrics.by_bars(score))) >= 0.35, seed


def test_a_theme_after_an_intro_stands_over_its_own_chords() -> None:
    sections = (SectionPlan(role="intro", bars=2), SectionPlan(role="A", bars=8))
    given = ScorePlan(seed=3, palette=PaletteChoice(scene="boss_battle"), sections=sections)
    score = compose(make_plan(Brief(), None, given=given)[0])
    bar = metrics.bar_beats(score)
    long = {int((n.beat - 2 * bar) // bar) for n in tune(score) if n.dur_beats >= bar / 2 and n.beat % bar <= 1}
    assert {3, 7} <= long
    assert not {1, 5} & long
