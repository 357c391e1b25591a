"""Words and footage to notes: what a user asked for is what sounds."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise

import pytest
from pydantic import ValidationError

from game_music_maker.contract.score import HitPlan, Key, PaletteChoice, ScorePlan, SectionPlan
from game_music_maker.errors import InvalidArgument
from game_music_maker.studio.footage import Cut, VideoMap
from game_music_maker.studio.music import gates, metrics_likeness
from game_music_maker.studio.music.brief import read_brief
from game_music_maker.studio.music.chance import dealt
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.library import library
from game_music_maker.studio.music.plan import make_plan, takes
from game_music_maker.studio.music.report import cue_sheet, notes_hash, report
from game_music_maker.studio.music.score import Score

DUNGEON = "generate looping fantasy background music that matches the pace of this dungeon exploration scene"
CUTS = (3.1, 7.45, 12.2, 17.9, 22.35, 29.8, 34.1, 41.7)


def clip(duration: float = 48.0) -> VideoMap:
    flow = tuple(0.2 if i < duration * 5 else 0.9 for i in range(int(duration * 10)))
    return VideoMap(
        fps=30, duration=duration, cuts=tuple(Cut(t=t, w=1.0) for t in CUTS if t < duration - 3), flow=flow,
        colour=0.4, look="accurate", scenes=((0, 24.0), (24.0, duration)),
    )  # fmt: skip


def music(text: str, video: VideoMap | None = None, **given: object) -> Score:
    plan, _ = make_plan(read_brief(text), video, given=ScorePlan.model_validate(given))
    return compose(plan, video)


def programs(score: Score) -> set[int]:
    return {p.program for p in score.parts if not p.drums and p.synth is None}


def test_one_seed_repeats_exactly_and_two_seeds_differ() -> None:
    first, again, other = (music(DUNGEON, clip(), seed=s) for s in (1, 1, 2))
    assert notes_hash(first) == notes_hash(again)
    assert notes_hash(first) != notes_hash(other)


@pytest.mark.parametrize("palette", sorted(library().palettes))
def test_no_drums_means_none(palette: str) -> None:
    score = music("no drums, no choir", palette={"scene": palette}, seed=3)
    assert not any(p.drums for p in score.parts)
    assert not programs(score) & {47, 52, 53, 54, 115, 116, 117, 118}
    assert score.notes


def test_chinese_sentence_becomes_music_with_the_wished_instruments() -> None:
    score = music("武侠战斗音乐，不要鼓，带有古筝和竹笛，30秒")
    assert score.length_s == pytest.approx(30, abs=0.02)
    assert {107, 77} <= programs(score)
    assert not any(p.drums for p in score.parts)


def test_requested_key_tempo_and_metre_are_kept() -> None:
    score = music("town music in 3/4, 120 bpm, F# minor", clip())
    assert score.meter == (3, 4)
    assert score.key == ("F#", "aeolian")
    assert score.tempo.points == ((Fraction(0), 120.0),)


def test_length_is_exact_and_the_last_chord_has_room_to_ring() -> None:
    for seed in range(4):
        score = music("adventure music", clip(), seed=seed)
        assert score.length_s == 48.0
        last = max(score.tempo.seconds(n.beat) for n in score.notes)
        assert 0.5 < score.length_s - last < 6.0


def test_loop_has_whole_samples_a_beat_and_the_length_of_the_clip() -> None:
    score = music("looping dungeon music", clip())
    assert score.loop is not None
    bpm = score.tempo.points[0][1]
    samples = 60 * 48_000 / bpm
    assert samples == pytest.approx(round(samples), abs=1e-6)
    assert score.length_s == pytest.approx(48.0, abs=1 / 30)
    assert score.length_s * 48_000 == pytest.approx(round(samples) * float(score.loop.len_beats), abs=0.5)
    assert all(n.beat < score.loop.len_beats for n in score.notes)


def test_music_starts_with_the_picture() -> None:
    for name in library().palettes:
        score = music("", palette={"scene": name}, seed=5)
        assert min(n.beat for n in score.notes) <= 1, name


def test_cuts_are_met_and_the_cue_sheet_says_so() -> None:
    video = clip()
    score = music("adventure music that hits the cuts", video, seed=4)
    sheet = cue_sheet(score, None, video)
    met = [c for c in sheet["cues"] if c["planned"]]
    assert len(met) >= 0.8 * len(sheet["cues"])
    for cue in met:
        assert abs(score.tempo.seconds(cue["beat"]) - cue["t"]) <= 0.040
        assert any(n.beat == Fraction(cue["beat"]).limit_denominator(48) for n in score.notes)
    assert all(c["reason"] for c in sheet["cues"] if not c["hit"])
    assert sheet["promised"] == len(sheet["cues"])


def test_an_onset_of_the_clips_own_sound_is_counted_and_no_missed_promise() -> None:
    video = clip()
    own = tuple(Cut(t=cut.t + 0.61, w=0.25, kind="hit") for cut in video.cuts)
    every = sorted((*video.cuts, *own), key=lambda cut: cut.t)
    sheet = cue_sheet(music("adventure music", video.model_copy(update={"cuts": tuple(every)}), seed=4), None, video)
    light = [cue for cue in sheet["cues"] if cue["weight"] == 0.25]
    assert light
    assert not any(cue["promised"] for cue in light)
    assert sheet["promised"] == len(sheet["cues"]) - len(light)
    assert sheet["met"] == sum(cue["hit"] for cue in sheet["cues"] if cue["promised"])
    assert all("not promised" in cue["reason"] for cue in light if not cue["hit"])


def test_locked_anchor_is_met_within_a_frame() -> None:
    video = clip()
    score = music("adventure music", video, hits=[{"t": 26.37, "kind": "impact", "weight": 1, "locked": True}])
    hit = next(h for h in score.hits if h.locked)
    assert abs(score.tempo.seconds(hit.beat) - 26.37) <= 1 / 30


def test_a_plan_of_two_fields_is_completed() -> None:
    plan, _ = make_plan(read_brief(""), None, given=ScorePlan(key=Key(tonic="E", mode="phrygian"), seed=9))
    assert plan.key == Key(tonic="E", mode="phrygian")
    missing = [name for name, value in plan if value is None]
    assert missing == []
    again, _ = make_plan(read_brief(""), None, given=plan)
    assert notes_hash(compose(again)) == notes_hash(compose(plan))


def test_sections_of_a_plan_are_kept() -> None:
    rows = (SectionPlan(role="intro", bars=2), SectionPlan(role="A", bars=4, energy=0.9), SectionPlan(bars=4, role="B"))
    plan, _ = make_plan(read_brief("epic music"), None, given=ScorePlan(sections=rows))
    score = compose(plan)
    assert [(s.role, s.bars) for s in score.sections] == [("intro", 2), ("A", 4), ("B", 4)]
    assert score.sections[1].energy == 0.9


def test_unknown_fields_palettes_and_modes_are_refused() -> None:
    with pytest.raises(ValidationError, match="tempo"):
        ScorePlan.model_validate({"tempo": 120})
    with pytest.raises(InvalidArgument, match="palette"):
        make_plan(read_brief(""), None, given=ScorePlan(palette=PaletteChoice(scene="polka")))
    with pytest.raises(InvalidArgument, match="mode"):
        make_plan(read_brief(""), None, given=ScorePlan(key=Key(tonic="C", mode="happy")))
    with pytest.raises(ValidationError):
        HitPlan.model_validate({"t": -1})


def test_scene_and_style_combine() -> None:
    score = music("chiptune boss battle", seed=1)
    assert {p.synth for p in score.parts} <= {"pulse25", "pulse50", "triangle", "noise", "pulse12"}
    low, _, high = library().palettes["boss_battle"].bpm
    assert low <= score.tempo.points[0][1] <= high


def test_intensity_rises_where_the_words_say_so() -> None:
    score = music("adventure music, start quiet and end with full intensity, 60 seconds", seed=2)
    energies = [s.energy for s in score.sections]
    assert all(b >= a for a, b in pairwise(energies))
    assert energies[-1] - energies[0] > 0.3


def test_stingers_are_short_and_do_not_loop() -> None:
    for palette in (p for p in library().palettes.values() if p.one_shot):
        for seed in range(3):
            score = music("", palette={"scene": palette.id}, seed=seed)
            assert score.loop is None
            assert palette.length_s is not None
            assert palette.length_s[0] <= score.tempo.seconds(score.sections[-1].beats) <= palette.length_s[1]


@pytest.mark.parametrize("palette", [p.id for p in library().palettes.values() if p.one_shot])
def test_ten_takes_of_a_cue_are_ten_cues(palette: str) -> None:
    scores = [music("", palette={"scene": palette}, seed=seed) for seed in range(10)]
    marks = [metrics_likeness.fingerprint(score) for score in scores]
    assert max(metrics_likeness.likeness(a, b) for a, b in combinations(marks, 2)) <= metrics_likeness.SAME
    assert len({tuple(chord.rn for chord in score.chords) for score in scores}) >= 8


@pytest.mark.parametrize(("lower", "higher"), [("sad", "happy"), ("epic", "cute"), ("tense", "peaceful")])
def test_brighter_moods_sing_higher_with_the_same_seed(lower: str, higher: str) -> None:
    for palette, seed in (("dungeon_crawl", 1), ("boss_battle", 0)):
        heights = []
        for mood in (lower, higher):
            score = music("", palette={"scene": palette}, seed=seed, moods=(mood,), length_s=40)
            row = [n.pitch for n in score.notes if n.part == "lead"]
            heights.append(sum(row) / len(row))
        assert heights[0] < heights[1], (palette, seed, heights)


def test_seeds_that_follow_each_other_are_dealt_every_card_once() -> None:
    for start in (0, 9, 18):
        assert sorted(dealt(seed, 9, "a") for seed in range(start, start + 9)) == list(range(9))
    rounds = [tuple(dealt(seed, 9, name) for seed in range(start, start + 9)) for name in "ab" for start in (0, 9)]
    assert len(set(rounds)) == 4


def test_three_directions_differ_and_are_named() -> None:
    rows = takes(read_brief("forest exploration music"), None, 3)
    assert len({name.text("en") for name, _, _ in rows}) == 3
    assert len({notes_hash(compose(plan)) for _, plan, _ in rows}) == 3


def test_all_notes_stay_in_the_range_of_their_instrument() -> None:
    for name in library().palettes:
        assert gates.measures(music("", palette={"style": name}, seed=6))["in range"] == 1.0, name


def test_report_names_metrics_sections_and_hashes() -> None:
    video = clip()
    plan, _ = make_plan(read_brief("adventure music"), video)
    score = compose(plan, video)
    found = report(score, plan, None, video)
    assert [s["id"] for s in found["sections"]] == [s.id for s in score.sections]
    assert len({s["notes"] for s in found["sections"]}) == len(score.sections)
    assert found["metrics"]["in scale"] >= 0.97
    assert found["picture"]["pace rank"] is not None
