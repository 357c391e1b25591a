"""Fuller and emptier bars after the motion of the picture."""

from __future__ import annotations

import math
from fractions import Fraction as F

import pytest

from game_music_maker.contract.score import PaletteChoice, ScorePlan
from game_music_maker.studio.footage import VideoMap
from game_music_maker.studio.music import metrics, metrics_picture
from game_music_maker.studio.music.brief import Brief
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.figure import Line
from game_music_maker.studio.music.pace import Wanted, follow
from game_music_maker.studio.music.plan import make_plan
from game_music_maker.studio.music.score import Score

WAVES = tuple(0.5 + 0.45 * math.sin(i / 27) for i in range(640))
"""Motion that rises and falls every 17 s."""


def piece(palette: str, flow: tuple[float, ...] = WAVES, **given: object) -> Score:
    video = VideoMap(fps=30, duration=64.0, flow=flow, colour=0.4, look="accurate")
    choice = PaletteChoice(scene=palette, style=palette)
    wanted = ScorePlan.model_validate({"seed": 5, "palette": choice, **given})
    return compose(make_plan(Brief(), video, given=wanted)[0], video)


def agreement(score: Score, flow: tuple[float, ...] = WAVES) -> float:
    video = VideoMap(fps=30, duration=64.0, flow=flow, colour=0.4, look="accurate")
    return metrics_picture.measures(score, video)["pace rank over 5 %"]


@pytest.mark.parametrize(
    "palette", ["boss_battle", "horror_survival", "scifi_ambient", "lofi_chill", "pirate_sea", "title_menu"]
)
def test_busy_pictures_get_fuller_bars(palette: str) -> None:
    assert agreement(piece(palette)) > 0


def test_without_drums_the_figures_follow_the_motion() -> None:
    score = piece("fantasy_exploration", excludes=("drums",))
    assert not any(p.drums for p in score.parts)
    assert agreement(score) > 0


def test_drums_that_are_switched_off_do_not_keep_time() -> None:
    plan, _ = make_plan(
        Brief(), None, given=ScorePlan(seed=5, length_s=64.0, palette=PaletteChoice(scene="lofi_chill"))
    )
    rows = [s.model_copy(update={"active": {"perc": False}}) for s in plan.sections or ()]
    video = VideoMap(fps=30, duration=64.0, flow=WAVES, colour=0.4, look="accurate")
    score = compose(plan.model_copy(update={"sections": tuple(rows), "hits": ()}), video)
    assert not any(p.drums for p in score.parts)


def bar(places: int, *, drums: str = "", keeper: int | None = None) -> dict[str, list[Line]]:
    sixteenths = [Line(F(i, 4), F(1, 4), 60 + i % 3) for i in range(16)]
    held = [Line(F(0), F(4), 48)]
    rows = {"arp": sixteenths, "pad": held} if places < 16 else {"arp": sixteenths[::4], "pad": held}
    rows |= {"perc": []} if drums else {}
    wanted = Wanted(frozenset(), [places if places < 16 else 8], [frozenset()], F(4), keeper, False, 0.4)
    return follow(rows, {"arp": "arp", "pad": "pad", "perc": "perc"}, drums, wanted)


def test_a_calmer_bar_loses_its_sixteenths_first_and_what_is_left_holds_on() -> None:
    found = bar(8)
    assert [x.beat for x in found["arp"]] == [F(i, 2) for i in range(8)]
    assert all(x.dur == F(1, 2) for x in found["arp"])
    assert found["pad"] == [Line(F(0), F(4), 48)]


def test_a_busier_bar_is_kept_time_in_by_the_drums_or_else_filled_by_the_figure() -> None:
    kept = bar(16, drums="perc", keeper=42)
    assert [x.beat for x in kept["perc"]] == [F(i, 2) for i in range(8)]
    assert len(kept["arp"]) == 4
    filled = bar(16)
    assert [x.beat for x in filled["arp"]] == [F(i, 2) for i in range(8)]
    assert all(a.beat + a.dur <= b.beat for a, b in zip(filled["arp"], filled["arp"][1:], strict=False))


def test_the_course_of_the_piece_counts_by_bars() -> None:
    score = piece("chiptune_platformer")
    density = metrics.by_bars(score).density
    flow = metrics_picture.bar_flow(score, VideoMap(fps=30, duration=64.0, flow=WAVES, look="accurate"))
    busy = [d for d, f in zip(density, flow, strict=True) if f > 0.75]
    calm = [d for d, f in zip(density, flow, strict=True) if f < 0.25]
    assert sum(busy) / len(busy) > 1.2 * sum(calm) / len(calm)
