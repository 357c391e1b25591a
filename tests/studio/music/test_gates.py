"""The gates: what they say of good and of bad music, and that the page about them is theirs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from game_music_maker.contract.score import PaletteChoice, ScorePlan
from game_music_maker.studio.music import gates
from game_music_maker.studio.music.brief import Brief
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.library import library
from game_music_maker.studio.music.plan import make_plan
from game_music_maker.studio.music.score import Score

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def _score() -> Score:
    given = ScorePlan(seed=2, palette=PaletteChoice(scene="overworld_adventure"))
    return compose(make_plan(Brief(), None, given=given)[0])


def test_page_holds_the_tables() -> None:
    assert PAGE.read_text("utf-8").endswith(gates.as_markdown())


def test_exceptions_name_palettes_and_measures_that_exist() -> None:
    for palette, special in gates.EXCEPTIONS.items():
        assert palette in library().palettes
        assert set(special) <= set(gates.GATES)


def test_good_music_passes_and_damage_is_seen() -> None:
    score = _score()
    good = gates.judge(score)
    assert {name for name, passed in good.items() if not passed} <= {"busiest part", "clashes"}
    flat = replace(score, notes=tuple(replace(n, vel=80, micro_ms=0.0) for n in score.notes))
    assert not gates.judge(flat)["velocity metre"]
    assert not gates.judge(flat)["timing sigma ms"]
    shifted = replace(
        score,
        notes=tuple(replace(n, pitch=n.pitch + (n.beat.denominator == 1)) for n in score.notes if n.part != "perc"),
    )
    assert not gates.judge(shifted)["in scale"]
    late = replace(score, notes=tuple(replace(n, beat=n.beat + Fraction(8)) for n in score.notes))
    assert not gates.judge(late)["first onset beats"]


def test_a_rest_in_the_middle_is_seen() -> None:
    score = _score()
    empty = tuple(n for n in score.notes if (not 16 <= n.beat < 48 and n.beat + n.dur_beats <= 16) or n.beat >= 48)
    assert not gates.judge(replace(score, notes=empty))["longest rest s"]
