"""Timelines in words."""

from __future__ import annotations

from game_music_maker.project import summary

DRAFT = {
    "t": [
        {"tt": 0, "sg": [{"s": 0, "d": 10000, "n": "city timelapse"}]},
        {"tt": 1, "sg": [{"s": 0, "d": 10000, "n": "Lo-fi", "v": 0.35}]},
        {"tt": 7, "sg": [{"s": 0, "d": 3000, "x": "Urban Dreams"}]},
    ]
}


def test_the_summary_has_exactly_the_contracts_form() -> None:
    assert summary.timeline(DRAFT) == (
        'Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) '
        '3. Title: "Urban Dreams" (0-3s)'
    )


def test_tracks_are_listed_with_numbers() -> None:
    assert summary.tracks(DRAFT)[1] == {
        "number": 2, "kind": "audio", "name": "Lo-fi", "start_s": 0.0, "end_s": 10.0, "volume_percent": 35,
    }  # fmt: skip


def test_a_title_that_came_is_named() -> None:
    before = {"t": DRAFT["t"][:2]}
    after = {"t": [*DRAFT["t"][:2], {"tt": 7, "sg": [{"s": 0, "d": 3000, "x": "Paradise Found"}]}]}
    assert summary.differences(before, after) == ["Title added: 'Paradise Found' (0-3s)"]


def test_levels_trims_and_canvas_are_named() -> None:
    after = {
        "m": {"width": 1080, "height": 1920},
        "t": [
            {"tt": 0, "sg": [{"s": 0, "d": 8000, "n": "city timelapse"}]},
            {"tt": 1, "sg": [{"s": 0, "d": 10000, "n": "Lo-fi", "v": 0.2}]},
        ],
    }
    lines = summary.differences(DRAFT, after)
    assert "Video 'city timelapse': 0-10s → 0-8s" in lines
    assert "BGM 'Lo-fi': volume 35% → 20%" in lines
    assert "Title removed: 'Urban Dreams'" in lines
    assert "Canvas: 1080x1920" in lines


def test_an_unknown_change_is_told_as_one() -> None:
    assert summary.differences(DRAFT, {**DRAFT, "color_grade": "warm"}) == ["The timeline's settings changed."]
    assert summary.differences(DRAFT, dict(DRAFT)) == []


def test_strange_drafts_are_survived() -> None:
    for strange in (None, {}, [], 7, {"t": 5}, {"t": [{"sg": [{"s": "x"}]}]}, {"t": [{"tt": 1, "sg": [{"d": 1e300}]}]}):
        assert summary.timeline(strange).startswith("Timeline")
        assert isinstance(summary.tracks(strange), list)
    assert summary.has_content("an opaque draft of a newer product")
    assert not summary.has_content({"t": [{"tt": 0, "sg": []}]})


def test_names_from_outside_are_cleaned() -> None:
    draft = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 1000, "n": "a\x1b[31m\u202eb\u200b\n\U000e0041"}]}]}
    assert summary.timeline(draft) == "Timeline (1 track): 1. Video: ab (0-1s)"
