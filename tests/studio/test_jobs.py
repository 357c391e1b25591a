"""Turns and renders of a running studio: what happens when things are killed, dropped, cancelled or asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from conftest import RunningStudio
from media import Media

from game_music_maker.contract import routes
from game_music_maker.contract.envelope import read_failure

_T = TypeVar("_T")


def until(look: Callable[[], _T | None]) -> _T:
    """Look again and again until there is something; an error where there never is."""
    for _ in range(6000):
        if (found := look()) is not None:
            return found
        threading.Event().wait(0.02)
    raise AssertionError("it never came")


class Project:
    """One session with its clip, as a client sees it."""

    def __init__(self, http: httpx.Client, clip: Path | None) -> None:
        self.http = http
        self.id = str(http.post(routes.NEW_SESSION, json={}).json()["data"]["session_id"])
        if clip is not None:
            parts = [("files", (clip.name, clip.read_bytes()))]
            answer = http.post(routes.UPLOAD.format(session_id=self.id), files=parts)
            assert answer.json()["data"]["files"], answer.text

    def state(self, http: httpx.Client | None = None) -> dict[str, Any]:
        found: dict[str, Any] = (http or self.http).get(routes.STATE.format(session_id=self.id)).json()["data"]["state"]
        return found

    def body(self, text: str, **more: Any) -> dict[str, Any]:
        return {"session_id": self.id, "new_message": {"parts": [{"text": text}]}, **more}

    def say(self, text: str, **more: Any) -> list[dict[str, Any]]:
        """All events of a turn."""
        answer = self.http.post(routes.RUN_SSE, json=self.body(text, **more))
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
        return [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]

    def submit(self, name: str, output: str = "mp4") -> httpx.Response:
        order = {"id": name, "sessionId": self.id, "draft": self.state()["draft"], "output": {"format": output}}
        return self.http.post(routes.RENDER, json=order)

    def render(self, name: str, http: httpx.Client | None = None) -> dict[str, Any]:
        found: dict[str, Any] = (http or self.http).get(routes.RENDER_STATUS.format(render_id=name)).json()["data"]
        return found

    def wait(self, name: str, *states: str, http: httpx.Client | None = None) -> dict[str, Any]:
        wanted = states or ("completed", "failed")
        return until(lambda: found if (found := self.render(name, http))["status"] in wanted else None)


def reply(events: list[dict[str, Any]]) -> str:
    """The text for the user: that of events that are not partial."""
    parts = [p for e in events if not e.get("partial") for p in e.get("content", {}).get("parts", [])]
    return "\n".join(part["text"] for part in parts if "text" in part)


def processes() -> Iterator[tuple[int, int, str]]:
    asked = ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    for line in told.splitlines():
        pid, parent, command = line.split(None, 2) if len(line.split(None, 2)) == 3 else (*line.split(), "")
        yield int(pid), int(parent), command


def encoders(of: RunningStudio) -> list[tuple[int, int]]:
    """(worker, encoder) processes that encode for this studio now (looks at footage do not count)."""
    table = list(processes())
    workers = {pid for pid, parent, _ in table if parent == of.process.pid}
    return [(parent, pid) for pid, parent, command in table if parent in workers and "vp9" in command]


def encoder(of: RunningStudio) -> tuple[int, int]:
    """Wait until one works."""
    return until(lambda: next(iter(encoders(of)), None))


def gone(*pids: int) -> None:
    """Wait until processes have ended (a zombie that nobody has reaped has ended)."""
    until(lambda: True if not any(p in pids and "<defunct>" not in c for p, _, c in processes()) else None)


@pytest.fixture
def slow_clip(media: Media) -> Path:
    """A clip that takes seconds to encode as VP9."""
    return media.clip(["plasma"], seconds=4, size=(320, 180), sound=None)


def files_of(studio: RunningStudio, name: str) -> list[Path]:
    return [path for path in (studio.home / "studio" / "renders" / name).rglob("*") if path.is_file()]


def test_a_killed_worker_costs_an_attempt_and_the_render_still_ends_once(
    studio: RunningStudio, slow_clip: Path
) -> None:
    project = Project(studio.http, slow_clip)
    assert project.submit("r", "webm").status_code == 200
    project.wait("r", "processing")
    worker, running = encoder(studio)
    os.kill(worker, signal.SIGKILL)
    gone(running)
    done = project.wait("r")
    assert (done["status"], done["attempts"]) == ("completed", 2), done
    assert len(files_of(studio, "r")) == 1


def test_the_render_of_a_killed_studio_is_completed_by_the_next(
    start_studio: Callable[..., RunningStudio], slow_clip: Path
) -> None:
    first = start_studio()
    project = Project(first.http, slow_clip)
    project.submit("r", "webm")
    project.wait("r", "processing")
    running = encoder(first)
    first.end(signal.SIGKILL)
    gone(*running)
    second = start_studio()
    done = project.wait("r", http=second.http)
    assert (done["status"], done["attempts"]) == ("completed", 2), done
    assert len(files_of(second, "r")) == 1
    assert len(list((second.home / "studio" / "work").iterdir())) == 1


def test_a_studio_that_ends_well_hands_its_render_over(
    start_studio: Callable[..., RunningStudio], slow_clip: Path
) -> None:
    first = start_studio()
    project = Project(first.http, slow_clip)
    project.submit("r", "webm")
    project.wait("r", "processing")
    running = encoder(first)
    assert first.end() == 0
    gone(*running)
    second = start_studio()
    done = project.wait("r", http=second.http)
    assert (done["status"], done["attempts"]) == ("completed", 1), done


def test_a_patient_look_is_answered_at_the_end_and_not_before(studio: RunningStudio, media: Media) -> None:
    """Looking without a pause gives a handful of answers, not hundreds; without the wish to wait each comes at once."""
    project = Project(studio.http, media.clip(["test", "life"], seconds=3))
    project.submit("r", "webm")
    project.wait("r", "processing")
    looks = 0
    while project.render("r")["status"] == "processing":
        told = studio.http.get(routes.RENDER_STATUS.format(render_id="r"), headers={"Prefer": "wait=1"}).json()["data"]
        looks += 1
    assert told["status"] == "completed"
    assert looks <= 30


def test_a_cancelled_render_ends_at_once_with_its_encoder(studio: RunningStudio, slow_clip: Path) -> None:
    project = Project(studio.http, slow_clip)
    project.submit("r", "webm")
    project.wait("r", "processing")
    running = encoder(studio)
    for _ in range(2):
        told = studio.http.post(routes.STUDIO_CANCEL.format(job_id="r")).json()["data"]
        assert told["status"] == "cancelled"
    gone(*running)
    ended = project.render("r")
    assert (ended["status"], ended["details"]["error"]["code"]) == ("failed", "cancelled")
    assert files_of(studio, "r") == []
    unknown = studio.http.post(routes.STUDIO_CANCEL.format(job_id="unheard_of"))
    assert read_failure(unknown.status_code, unknown.json()).code == "not_found"


def test_two_hundred_submits_are_bounded_and_each_accepted_one_is_known(studio: RunningStudio, slow_clip: Path) -> None:
    project = Project(studio.http, slow_clip)
    draft = project.state()["draft"]
    accepted, refused = [], []
    for i in range(200):
        order = {"id": f"r{i}", "sessionId": project.id, "draft": draft, "output": {"format": "webm"}}
        answer = studio.http.post(routes.RENDER, json=order)
        (accepted if answer.status_code == 200 else refused).append((f"r{i}", answer))
    assert 64 <= len(accepted) < 100
    for _, answer in refused:
        assert read_failure(answer.status_code, answer.json()).code == "busy"
        assert int(answer.headers["retry-after"]) >= 1
    for name, _ in reversed(accepted):  # those that wait first: each that is ended while it runs costs a worker
        assert project.render(name)["status"] in ("pending", "processing", "completed")
        studio.http.post(routes.STUDIO_CANCEL.format(job_id=name))


def test_words_become_edits_and_undo_takes_them_back(studio: RunningStudio, media: Media) -> None:
    project = Project(studio.http, media.clip(["test", "life"], seconds=1))
    before = project.state()["draft"]
    events = project.say("title 'Level 1' at the top for 1 s and mute the original sound")
    said = reply(events)
    assert "Level 1" in said
    parts = [part for event in events for part in event.get("content", {}).get("parts", [])]
    names = [part["functionCall"]["name"] for part in parts if "functionCall" in part]
    assert names == ["add_title", "mute"]
    after = project.state()["draft"]
    assert [segment["x"] for track in after["t"] if track["tt"] == 7 for segment in track["sg"]] == ["Level 1"]
    assert project.state()["history"]["undo"] == 2
    assert "undone" in reply(project.say("undo"))
    assert project.state()["draft"] == before
    project.say("redo")
    assert project.state()["draft"] == after


def test_what_was_not_understood_is_named(studio: RunningStudio, media: Media) -> None:
    project = Project(studio.http, media.clip(seconds=1))
    before = project.state()["draft"]
    assert "flibbertigibbet" in reply(project.say("flibbertigibbet the quux"))
    assert project.state()["draft"] == before


def test_a_chinese_message_gets_a_chinese_answer(studio: RunningStudio, media: Media) -> None:
    project = Project(studio.http, media.clip(["test", "life"], seconds=1))
    assert reply(project.say("在顶部加标题“Level 1”，把原声静音")).strip() == (
        "已添加标题：“Level 1”，画面顶部（0–2 秒）。它随时间线在 0:02 结束。\n原声已静音。"
    )
    assert reply(project.say("撤销")).strip() == "已撤销最近 1 次修改。"
    assert reply(project.say("把亮度调高")).strip().startswith("没有听懂：“把亮度调高”。画面的颜色无法调整")
    assert "音乐已生成" in reply(project.say("来一段激烈的战斗音乐，6秒"))
    assert "Timeline (2 tracks): 1. Video: " in reply(project.say("时间线里有什么"))
    assert "这首音乐有 1 个版本，请用编号选择。" in reply(project.say("用第三个版本"))


def test_a_failure_is_told_in_the_language_of_the_message(studio: RunningStudio) -> None:
    project = Project(studio.http, None)
    told = [event["errorMessage"] for event in project.say("用第二个版本") if "errorMessage" in event]
    assert told == ["时间线上还没有生成的音乐。 请先说说想要什么音乐。"]
    told = [event["errorMessage"] for event in project.say("use the second version") if "errorMessage" in event]
    assert told == ["There is no composed music on the timeline yet. Ask for music first."]


def test_three_options_are_named_for_what_differs_and_changing_nothing_says_so(studio: RunningStudio) -> None:
    project = Project(studio.http, None)
    said = reply(project.say("give me three options of calm forest music, 6 seconds"))
    assert "1. As described: " in said
    assert "2. Calmer and more open: " in said
    assert "3. Fuller and more driving: " in said
    before = project.state()
    assert len(before["generated_media"]) == 3
    assert "no such section" in reply(project.say("make the ninth section calmer"))
    assert "stays as it is" in reply(project.say("make section 9 calmer"))
    assert project.state()["draft"] == before["draft"]
    assert "Take 2 is on the timeline" in reply(project.say("use the second one"))


def test_one_turn_at_a_time_and_a_dropped_listener_does_not_end_it(studio: RunningStudio, media: Media) -> None:
    project = Project(studio.http, media.clip(["test", "life"], seconds=1.5))
    with studio.http.stream("POST", routes.RUN_SSE, json=project.body("calm forest music")) as first:
        lines = first.iter_lines()
        assert next(lines).startswith(":")
        second = studio.http.post(routes.RUN_SSE, json=project.body("louder"))
        assert (second.status_code, read_failure(429, second.json()).code) == (429, "busy")
        assert second.headers["retry-after"]
        assert project.state()["jobs"][0]["kind"] == "turn"
    until(lambda: True if not any(job["kind"] == "turn" for job in project.state()["jobs"]) else None)
    assert [track["tt"] for track in project.state()["draft"]["t"]] == [0, 1]
    assert len(project.state()["generated_media"]) == 1


def test_a_cancelled_turn_changes_nothing_and_the_next_may_begin(studio: RunningStudio, media: Media) -> None:
    project = Project(studio.http, media.clip(["test"], seconds=2))
    before = project.state()["draft"]
    with studio.http.stream("POST", routes.RUN_SSE, json=project.body("epic battle music")) as turn:
        lines = turn.iter_lines()
        while "functionCall" not in next(lines):
            pass
        told = studio.http.post(routes.STUDIO_CANCEL.format(job_id=project.id)).json()["data"]
        assert told["status"] == "cancelled"
        rest = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert rest[-1]["errorCode"] == "cancelled"
    assert (project.state()["draft"], project.state()["generated_media"]) == (before, [])
    assert "Level 1" in reply(project.say("title 'Level 1'"))


def test_a_seed_repeats_the_music_and_no_seed_gives_another(studio: RunningStudio) -> None:
    def made(text: str, **plan: Any) -> dict[str, Any]:
        project = Project(studio.http, None)
        more = {"state_delta": {"score_plan": plan}} if plan else {}
        events = project.say(text, **more)
        assert not any("errorCode" in event for event in events), events[-1]
        score: dict[str, Any] = project.state()["generated_media"][-1]
        return {**score, "folder": studio.home / "studio" / "scores" / score["id"]}

    words = "calm forest music, 6 seconds"
    one, same, other = made(words, seed=7, length_s=6), made(words, seed=7, length_s=6), made(words)
    sounds = [(score["folder"] / "mix.wav").read_bytes() for score in (one, same, other)]
    assert sounds[0] == sounds[1] != sounds[2]
    assert one["seed"] == 7
    assert one["duration_s"] == pytest.approx(6, abs=0.1)
    assert other["seed"] != 7


def test_a_plan_that_cannot_be_is_refused_before_anything_begins(studio: RunningStudio) -> None:
    project = Project(studio.http, None)
    body = project.body("music", state_delta={"score_plan": {"tempo": "fast"}})
    answer = studio.http.post(routes.RUN_SSE, json=body)
    assert read_failure(answer.status_code, answer.json()).code == "invalid_argument"
    assert "tempo" in answer.json()["message"]


def test_music_is_made_edited_and_exported_with_its_kit_and_picture(studio: RunningStudio, media: Media) -> None:
    project = Project(studio.http, media.clip(["test", "life"], seconds=2))
    events = project.say("generate looping dungeon music")
    said = reply(events)
    score = project.state()["generated_media"][0]
    assert score["name"] in said
    assert f"{score['bpm']:g} BPM" in said
    assert any(event.get("partial") for event in events)
    project.say("no drums")
    changed = project.state()["generated_media"][1]
    assert "perc" not in changed["instruments"]
    project.say("calmer after 0:02")
    assert "Not understood" not in reply(project.say("another take"))
    again = project.state()["generated_media"][3]
    assert (again["seed"] != changed["seed"], "perc" in again["instruments"]) == (True, False)
    assert again["duration_s"] == pytest.approx(changed["duration_s"], abs=0.1), "a time in a change is no length"
    assert "Take 1" in reply(project.say("use take 1"))
    for name, output in (("video", "mp4"), ("kit", "kit")):
        project.submit(name, output)
    done = project.wait("video")
    assert done["status"] == "completed", done
    assert done["details"]["loudness"]["integrated_lufs"] == pytest.approx(-14, abs=0.5)
    assert done["output"]["duration"] == pytest.approx(4, abs=0.05)
    assert project.wait("kit")["status"] == "completed"
    kit = studio.http.get(routes.RENDER_DOWNLOAD.format(render_id="kit"))
    made = json.loads(zipfile.ZipFile(BytesIO(kit.content)).read("provenance.json"))
    near = made["nearest_own_output"]
    assert near["compared"] == 3, "the other takes and changes are earlier outputs of ours"
    assert 0.5 < near["similarity"] <= 1.0
    assert near["seed"] in {take["seed"] for take in project.state()["generated_media"]}
    assert {"numpy", "scipy", "libsndfile", "python"} <= set(made["programs"])
    picture = studio.http.get(routes.STUDIO_PICTURE.format(session_id=project.id))
    assert picture.content.startswith(b"\x89PNG")
    sound = studio.http.get(f"/api/studio/scores/{project.id}/{changed['id']}")
    assert sound.content[:4] == b"RIFF"


def test_black_bars_are_found_and_cut_off(studio: RunningStudio, media: Media) -> None:
    barred = media.clip(["plasma"], 1, size=(320, 240), filters="scale=320:180,pad=320:240:0:30:black", sound=None)
    project = Project(studio.http, barred)
    project.say("remove the black bars")
    clip = project.state()["draft"]["t"][0]["sg"][0]
    assert clip["cr"] == [0, 30, 0, 30]
