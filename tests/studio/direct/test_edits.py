"""Edits carried out: what is on the timeline afterwards, and what the sentence says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from game_music_maker.studio.direct.context import Context, File
from game_music_maker.studio.direct.edits import (
    SERVED,
    AddTitle,
    Aspect,
    ChangeTitle,
    CropBars,
    CutOut,
    Describe,
    Duck,
    Edit,
    Fade,
    Join,
    MakeScore,
    Mute,
    RemoveScore,
    RemoveTitle,
    Reorder,
    Rotate,
    SetLevel,
    Slideshow,
    Speed,
    Trim,
    Undo,
    UseOwnMusic,
    Visual,
    apply,
    place_file,
    place_score,
)  # fmt: skip
from game_music_maker.studio.direct.settling import in_working_order
from game_music_maker.studio.timeline import Clip, Timeline

_ENGLISH = re.compile(r"[a-z]{4,}")
_CONTENT = re.compile(r"“.*?”|Timeline \(.*?\)。|[a-z0-9]+\.(?:mp4|png)|webp|Dark Dungeon")


def do(stage: Any, *edits: Edit, context: Context | None = None) -> tuple[Timeline, str]:
    timeline, sentence = stage.timeline, ""
    for edit in edits:
        before = timeline.to_wire()
        after, said = apply(edit, timeline, context or stage.context)
        sentence = said.text("en")
        assert not _ENGLISH.search(_CONTENT.sub("", said.text("zh"))), "a Chinese reply is Chinese throughout"
        assert timeline.to_wire() == before, "the draft that came in is left as it was"
        assert Timeline.read(after.to_wire()) == after
        timeline = after
    return timeline, sentence


def score(timeline: Timeline) -> Clip:
    return timeline.score_clips[0]


def shown(timeline: Timeline) -> list[tuple[str, float, float, float]]:
    """name, start, length, where in the asset; of the picture, in ms"""
    return [(c.name or "", c.start_ms, c.duration_ms, c.in_ms) for c in timeline.of("video")]


def test_levels(stages: dict[str, Any]) -> None:
    timeline, said = do(stages["score"], SetLevel(share=0.35))
    assert score(timeline).volume == 0.35
    assert said == "Music set to 35% (it was 80%)."
    timeline, said = do(stages["score"], SetLevel(gain_db=-6))
    assert score(timeline).volume == pytest.approx(0.4, abs=0.005)
    timeline, said = do(stages["score"], SetLevel(share=1), SetLevel(gain_db=6))
    assert timeline.of("video")[0].volume == pytest.approx(0.5, abs=0.005)
    assert "100%" in said
    assert "50%" in said
    untouched, said = do(stages["clip"], SetLevel(share=0.3))
    assert untouched == stages["clip"].timeline
    assert "no music yet" in said


def test_all_sound_is_as_loud_as_the_file_that_comes_of_it(stages: dict[str, Any]) -> None:
    """A file is brought to one loudness at its end: levels of all that sounds would be levelled out again."""
    timeline, said = do(stages["score"], SetLevel(target="all", gain_db=-4))
    assert timeline.target_lufs == -18
    assert score(timeline).volume == score(stages["score"].timeline).volume
    assert said == "Everything is quieter: a file comes to -18 LUFS (it was -14)."
    timeline, said = do(stages["score"], SetLevel(target="all", gain_db=-4), SetLevel(target="all", share=1))
    assert timeline.target_lufs == -14
    alone, _ = do(stages["score"], Mute(target="original"), SetLevel(gain_db=-3))
    assert alone.target_lufs == -17, "music that sounds alone"
    beside, _ = do(stages["score"], SetLevel(gain_db=-3))
    assert beside.target_lufs == -14
    _, said = do(stages["score"], *[SetLevel(target="all", gain_db=9)] * 2)
    assert said == "A file comes to -9 LUFS already, which is as far as it goes."


def test_mute_of_a_part_divides_the_clip_and_shows_the_same(stages: dict[str, Any]) -> None:
    timeline, said = do(stages["score"], Mute(start_ms=10_000, end_ms=15_000))
    assert shown(timeline) == [
        ("clip1.mp4", 0, 10_000, 0), ("clip1.mp4", 10_000, 5_000, 10_000), ("clip1.mp4", 15_000, 75_000, 15_000),
    ]  # fmt: skip
    assert [clip.volume for clip in timeline.of("video")] == [None, 0, None]
    assert "10 s to 15 s" in said
    back, _ = do(stages["score"], Mute(), Mute(on=False))
    assert back.of("video")[0].volume == 1


def test_ducking_steps_and_stops(stages: dict[str, Any]) -> None:
    assert score(do(stages["score"], Duck(db=0), Duck())[0]).duck_db == 9
    assert score(do(stages["score"], Duck())[0]).duck_db == 14
    timeline, said = do(stages["score"], Duck(db=0))
    assert score(timeline).duck_db == 0
    assert "no longer" in said


def test_fades_fit_into_what_they_fade(stages: dict[str, Any]) -> None:
    timeline, said = do(stages["score"], Fade(in_s=2, out_s=3))
    assert (score(timeline).fade_in_ms, score(timeline).fade_out_ms) == (2000, 3000)
    assert said == "Music fades in over 2 s and fades out over 3 s."
    timeline, _ = do(stages["score"], Trim(end_ms=4000), Fade(in_s=10, out_s=10))
    assert (score(timeline).fade_in_ms, score(timeline).fade_out_ms) == (2000, 2000)
    timeline, _ = do(stages["clips"], Fade(target="picture", out_s=1))
    assert [clip.fade_out_ms for clip in timeline.of("video")] == [0, 0, 1000]


def test_trim_keeps_picture_music_and_words_in_step(stages: dict[str, Any]) -> None:
    timeline, said = do(stages["title"], AddTitle(text="Later", start_ms=40_000), Trim(start_ms=10_000, end_ms=40_000))
    assert shown(timeline) == [("clip1.mp4", 0, 30_000, 10_000)]
    assert (score(timeline).start_ms, score(timeline).duration_ms, score(timeline).in_ms) == (0, 30_000, 10_000)
    assert score(timeline).fade_out_ms > 0
    assert timeline.of("text") == []
    assert "30 s" in said
    assert "new length" in said
    timeline, said = do(stages["score"], Trim(end_ms=-15_000))
    assert timeline.duration_ms == 75_000
    same, said = do(stages["score"], Trim(end_ms=300_000))
    assert same == stages["score"].timeline
    assert "90" in said or "1 min 30 s" in said


def test_cutting_out_closes_the_gap(stages: dict[str, Any]) -> None:
    timeline, said = do(stages["title"], AddTitle(text="B", start_ms=20_000), CutOut(start_ms=10_000, end_ms=15_000))
    assert shown(timeline) == [("clip1.mp4", 0, 10_000, 0), ("clip1.mp4", 10_000, 75_000, 15_000)]
    assert [clip.start_ms for clip in timeline.of("text")] == [0, 15_000]
    assert timeline.duration_ms == 85_000
    assert "0:10–0:15" in said
    timeline, _ = do(stages["clips"], CutOut(clip=2))
    assert [name for name, *_ in shown(timeline)] == ["clip1.mp4", "clip3.mp4"]
    same, said = do(stages["clip"], CutOut())
    assert same == stages["clip"].timeline
    assert "nothing" in said


def test_speed_of_all_and_of_a_part(stages: dict[str, Any]) -> None:
    timeline, said = do(stages["score"], Speed(factor=2))
    assert timeline.of("video")[0].speed == 2
    assert timeline.duration_ms == 45_000
    assert "45 s" in said
    timeline, _ = do(
        stages["title"], AddTitle(text="B", start_ms=30_000), Speed(factor=0.5, start_ms=10_000, end_ms=20_000)
    )
    assert shown(timeline) == [
        ("clip1.mp4", 0, 10_000, 0), ("clip1.mp4", 10_000, 20_000, 10_000), ("clip1.mp4", 30_000, 70_000, 20_000),
    ]  # fmt: skip
    assert timeline.of("text")[1].start_ms == pytest.approx(40_000)
    _, said = do(stages["score"], Speed(factor=1.5), Speed(factor=0.5, start_ms=2000, end_ms=4000))
    assert "0:04 set to 0.5×" in said, "the speed of the stretch that was meant"
    again, _ = do(stages["score"], Speed(factor=2), Speed(factor=1))
    assert again.of("video")[0].duration_ms == 90_000


def test_order_joins_and_cross_fades(stages: dict[str, Any]) -> None:
    timeline, _ = do(stages["clips"], Reorder(order=(3, 1, 2)))
    assert [(name, start) for name, start, *_ in shown(timeline)] == [
        ("clip3.mp4", 0),
        ("clip1.mp4", 30_000),
        ("clip2.mp4", 120_000),
    ]
    timeline, said = do(stages["clips"], Join(transition="crossfade", seconds=1))
    assert [start for _, start, *_ in shown(timeline)] == [0, 89_000, 118_000]
    assert [clip.transition_ms for clip in timeline.of("video")] == [0, 1000, 1000]
    assert "1 s" in said
    same, said = do(stages["clips"], Reorder(order=(1, 2, 7)))
    assert same == stages["clips"].timeline
    assert "3 clips" in said


def test_slides_share_out_the_music(stages: dict[str, Any]) -> None:
    timeline, _ = do(stages["images"], Slideshow(seconds=3))
    assert [clip.duration_ms for clip in timeline.of("video")] == [3000] * 3
    longer = place_score(Timeline(), "s", "Long", 60_000)
    timeline, told = apply(Slideshow(), longer, Context(files=stages["images"].context.files))
    assert [round(clip.duration_ms) for clip in timeline.of("video") if clip.still] == [20_000] * 3
    assert "3 images" in told.text("en")


@pytest.mark.parametrize(
    ("shape", "pixels"),
    [
        ((9, 16), (1080, 1920)),
        ((16, 9), (1920, 1080)),
        ((1, 1), (1080, 1080)),
        ((4, 5), (1080, 1350)),
        ((21, 9), (1920, 822)),
    ],
)
def test_shapes(shape: tuple[int, int], pixels: tuple[int, int], stages: dict[str, Any]) -> None:
    timeline, said = do(stages["clip"], Aspect(width=shape[0], height=shape[1], fit="blur"))
    assert (timeline.meta["width"], timeline.meta["height"], timeline.meta["fit"]) == (*pixels, "blur")
    assert f"{pixels[0]}×{pixels[1]}" in said
    back, _ = apply(Aspect(original=True), timeline, Context())
    assert not {"width", "height", "fit"} & set(back.meta)


def test_rotation_and_black_bars(stages: dict[str, Any]) -> None:
    timeline, _ = do(stages["clips"], Rotate(degrees=270), Rotate(degrees=180, clip=2))
    assert [clip.rotate for clip in timeline.of("video")] == [270, 90, 270]
    barred = Context(files=(File("v1", "clip1.mp4", "video", 90_000, bars=(0, 140, 0, 140)),))
    timeline, said = do(stages["clip"], CropBars(), context=barred)
    assert timeline.of("video")[0].crop == (0, 140, 0, 140)
    assert "140 px top" in said
    assert "No black bars" in do(stages["clip"], CropBars())[1]


def test_titles_stay_inside_the_timeline(stages: dict[str, Any]) -> None:
    timeline, said = do(stages["score"], AddTitle(text="Level 1", position="top"))
    assert said == "Title added: 'Level 1' at the top (0-3s)."
    timeline, said = do(stages["score"], AddTitle(text="End", start_ms=-2000, duration_ms=5000))
    title = timeline.of("text")[0]
    assert (title.start_ms, title.end_ms) == (88_000, 90_000)
    timeline, _ = do(stages["score"], AddTitle(text="Late", start_ms=500_000))
    assert timeline.of("text")[0].end_ms == 90_000
    timeline, _ = do(stages["score"], AddTitle(text="All", duration_ms=None))
    assert timeline.of("text")[0].duration_ms == 90_000


def test_titles_at_one_time_get_tracks_of_their_own(stages: dict[str, Any]) -> None:
    timeline, _ = do(stages["title"], AddTitle(text="Both", position="bottom"), AddTitle(text="Later", start_ms=5000))
    assert [[clip.text for clip in track.segments] for track in timeline.tracks if track.type == 7] == [
        ["Level 1", "Later"],
        ["Both"],
    ]


def test_titles_change_and_go(stages: dict[str, Any]) -> None:
    timeline, said = do(
        stages["title"], ChangeTitle(text="Level 2", position="top", scale=2, color="#e53935", fade_s=0.5)
    )
    title = timeline.of("text")[0]
    assert (title.text, title.position, title.color, title.size) == ("Level 2", "top", "#e53935", pytest.approx(0.2))
    assert (title.fade_in_ms, title.fade_out_ms) == (500, 500)
    assert "Level 2" in said
    timeline, said = do(stages["title"], AddTitle(text="B", start_ms=9000), RemoveTitle(find="level"))
    assert [clip.text for clip in timeline.of("text")] == ["B"]
    assert "1 title stays" in said
    assert "'Level 1'" in do(stages["title"], RemoveTitle(find="zzz"))[1]
    assert do(stages["title"], ChangeTitle(scale=100))[0].of("text")[0].size == 0.5


def test_it_is_the_title_that_was_touched_last(stages: dict[str, Any]) -> None:
    """Wherever it lies in the timeline, and whichever track holds it."""
    words = AddTitle(text="A", duration_ms=9000), AddTitle(text="B", start_ms=2000), AddTitle(text="C", start_ms=20_000)
    assert "'C' now" in do(stages["clip"], *words, ChangeTitle(color="#ffd54f"))[1]
    assert "'A'" in do(stages["clip"], *words, ChangeTitle(find="A", scale=2), RemoveTitle())[1]


def test_a_score_takes_the_place_of_the_former_and_keeps_its_level(stages: dict[str, Any]) -> None:
    first = score(stages["score"].timeline)
    assert (first.volume, first.duck_db, first.duration_ms) == (0.8, 9, 90_000)
    timeline, _ = do(stages["score"], SetLevel(share=0.35), Duck(db=4))
    timeline = place_score(timeline, "s2", "Other", 120_000)
    assert [(c.name, c.volume, c.duck_db, c.duration_ms) for c in timeline.score_clips] == [("Other", 0.35, 4, 90_000)]
    silent = Context(files=(File("v1", "clip1.mp4", "video", 90_000, has_sound=False),))
    alone = score(place_score(stages["clip"].timeline, "s", "S", 90_000, context=silent))
    assert (alone.volume, alone.duck_db) == (1.0, 0)


def test_a_score_without_footage_gets_a_picture_of_itself(stages: dict[str, Any]) -> None:
    timeline = stages["sound"].timeline
    assert [(clip.visual, clip.duration_ms) for clip in timeline.of("video")] == [("waveform", 90_000)]
    timeline, _ = do(stages["sound"], Visual(style="spectrum"))
    assert timeline.of("video")[0].visual == "spectrum"
    assert place_score(timeline, "s2", "New", 30_000).of("video")[0].visual == "spectrum"
    filmed = place_file(timeline, File("v", "v.mp4", "video", 5000))
    assert [clip.visual for clip in filmed.of("video")] == [None]
    gone, _ = do(stages["sound"], RemoveScore())
    assert not gone.ready


def test_own_music(stages: dict[str, Any]) -> None:
    files = Context(files=(File("m", "my song.mp3", "audio", 60_000),))
    timeline, said = do(stages["score"], UseOwnMusic(), context=files)
    assert [(c.role, c.asset, c.duration_ms) for c in timeline.of("audio")] == [("own", "m", 60_000)]
    assert "60 s" in said
    louder, _ = apply(SetLevel(share=0.5), timeline, files)
    assert louder.of("audio")[0].volume == 0.5
    same, said = do(stages["score"], UseOwnMusic())
    assert same == stages["score"].timeline
    assert "upload" in said


def test_the_timeline_described(stages: dict[str, Any]) -> None:
    said = do(stages["title"], SetLevel(share=0.35), Describe())[1]
    assert said.startswith(
        'Timeline (3 tracks): 1. Video: clip1.mp4 (0-90s) 2. BGM: Dark Dungeon (0-90s, 35%) 3. Title: "Level 1" (0-3s).'
    )


@pytest.mark.parametrize("name", ["clip", "score", "title", "clips", "images", "sound"])
def test_every_edit_answers_on_every_timeline(name: str, stages: dict[str, Any]) -> None:
    kinds: list[Edit] = [
        SetLevel(share=0.5, start_ms=1000, end_ms=2000),
        Mute(target="all"),
        Mute(target="own", on=False),
        Duck(),
        Fade(in_s=1),
        Fade(target="title", in_s=1),
        Fade(target="original", out_s=1),
        Trim(end_ms=0),
        Trim(clip=9),
        Trim(clip=-1, end_ms=1000),
        CutOut(clip=9),
        Speed(factor=2, clip=1),
        Aspect(fit="fit"),
        Rotate(degrees=90, clip=9),
        CropBars(on=False),
        Reorder(order=(2, 1)),
        Join(),
        Slideshow(crossfade_s=0.5),
        AddTitle(text="x"),
        ChangeTitle(lighten=-0.5, until_end=True),
        RemoveTitle(which="all"),
        RemoveScore(target="own"),
        UseOwnMusic(name="x"),
        Visual(),
        Describe(),
    ]
    for edit in kinds:
        for stage in (stages[name], type(stages[name])(Timeline(), Context())):
            after, said = do(stage, edit)
            assert said.endswith((".", "it.")), said
            assert all(clip.duration_ms > 0 and clip.start_ms >= 0 for t in after.tracks for clip in t.segments)


def test_served_edits_are_refused_here(stages: dict[str, Any]) -> None:
    assert len(SERVED) == 6
    with pytest.raises(TypeError, match="server"):
        do(stages["clip"], MakeScore(text="x"))


def test_stills_last_as_long_as_the_music_until_their_length_is_named() -> None:
    images = [File(f"i{i}", f"{i}.png", "image") for i in (1, 2)]
    song = File("m", "song.mp3", "audio", 20_000)
    first = place_file(place_file(Timeline(), images[0]), song)
    assert [(length, first.duration_ms) for _, _, length, _ in shown(first)] == [(20_000, 20_000)]
    both = place_file(first, images[1])
    assert [length for _, _, length, _ in shown(both)] == [10_000, 10_000]
    assert both.of("audio")[0].duration_ms == 20_000
    scored = place_score(both, "s", "Calm", 30_000)
    assert [length for _, _, length, _ in shown(scored)] == [15_000, 15_000]
    context = Context(files=(*images, song))
    for edit in (Slideshow(seconds=3), Trim(end_ms=6000)):
        named, _ = apply(edit, scored, context)
        assert place_score(named, "s", "Calm", 30_000).duration_ms == 6000
    with_clip = place_file(place_file(Timeline(), File("v", "a.mp4", "video", 9000)), images[0])
    assert place_score(with_clip, "s", "Calm", 30_000).duration_ms == 13_000


def test_music_is_made_to_the_picture_as_the_same_message_leaves_it() -> None:
    music, level, cut, title = MakeScore(text="epic"), SetLevel(share=0.3), Trim(end_ms=9000), AddTitle(text="A")
    assert in_working_order([music, level, title, cut]) == [title, cut, music, level]
    assert in_working_order([music, title]) == [music, title]
    assert in_working_order([music, Undo(), cut]) == [music, Undo(), cut]


def test_a_cross_fade_at_one_joint_alone(stages: dict[str, Any]) -> None:
    timeline, said = do(stages["clips"], Join(transition="crossfade", seconds=1, after=2))
    assert [clip.transition_ms for clip in timeline.of("video")] == [0, 0, 1000]
    assert "Clips 2 and 3" in said
    assert do(stages["clips"], Join(after=3))[0] == stages["clips"].timeline


def test_a_part_of_one_clip_is_counted_from_its_own_start(stages: dict[str, Any]) -> None:
    timeline, said = do(stages["clips"], CutOut(end_ms=5000, clip=2))
    assert [(name, length, at) for name, _, length, at in shown(timeline)] == [
        ("clip1.mp4", 90_000, 0), ("clip2.mp4", 25_000, 5000), ("clip3.mp4", 30_000, 0),
    ]  # fmt: skip
    assert "1:30" in said
    timeline, _ = do(stages["clips"], Speed(factor=2, start_ms=20_000, clip=-1))
    assert [length for _, _, length, _ in shown(timeline)][2:] == [20_000, 5000]
    timeline, _ = do(stages["clips"], CutOut(clip=2))
    assert [name for name, *_ in shown(timeline)] == ["clip1.mp4", "clip3.mp4"]
