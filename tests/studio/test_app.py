"""The studio as a process on loopback, asked as any client would ask it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from conftest import RunningStudio
from media import Media
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from game_music_maker.contract import routes
from game_music_maker.contract.account import AnonymousToken, ClaimToken, Credits, SessionOpened
from game_music_maker.contract.envelope import is_failure, read_failure, unwrap
from game_music_maker.contract.media import StateAnswer, UploadAnswer
from game_music_maker.errors import BY_CODE, MusicMakerError
from game_music_maker.studio.app_http import on_error


def code(answer: httpx.Response) -> str:
    """The stable word of a refusal."""
    assert is_failure(answer.status_code, answer.json())
    return read_failure(answer.status_code, answer.json()).code


def data(answer: httpx.Response) -> dict[str, object]:
    assert answer.status_code == 200, answer.text
    assert not is_failure(200, answer.json()), answer.text
    found = unwrap(answer.json())
    assert isinstance(found, dict)
    return found


def open_session(http: httpx.Client) -> str:
    opened = SessionOpened.model_validate(data(http.post(routes.NEW_SESSION, json={"task_name": "run"})))
    return opened.session_id


def upload(http: httpx.Client, session: str, *files: Path) -> httpx.Response:
    parts = [("files", (path.name, path.read_bytes(), "application/octet-stream")) for path in files]
    return http.post(routes.UPLOAD.format(session_id=session), files=parts)


def state(http: httpx.Client, session: str) -> StateAnswer:
    return StateAnswer.model_validate(data(http.get(routes.STATE.format(session_id=session))))


def test_an_anonymous_client_has_credits_that_never_fall_and_sessions_of_its_own(studio: RunningStudio) -> None:
    with studio.new() as nobody:
        assert code(nobody.post(routes.ANONYMOUS_TOKEN)) == "invalid_argument"
        assert nobody.post(routes.ANONYMOUS_TOKEN).status_code == 400
        assert code(nobody.get(routes.CREDITS)) == "token_refused"
        given = data(nobody.post(routes.ANONYMOUS_TOKEN, headers={"X-Client-Id": "0d6f3c5e-ann"}))
    token = AnonymousToken.model_validate(given)
    assert token.token.startswith("nmv_usr_")
    with studio.new(Authorization=f"Bearer {token.token}") as ann:
        assert Credits.model_validate(data(ann.get(routes.CREDITS))) == Credits(
            available=100, frozen=0, total=100, unlimited=True
        )
        hers = open_session(ann)
        assert state(ann, hers).state.draft is None
        theirs = open_session(studio.http)
        assert code(ann.get(routes.STATE.format(session_id=theirs))) == "session_gone"
        assert state(studio.http, hers).session_id == hers


def test_a_claim_lets_a_person_in_without_showing_the_token(studio: RunningStudio) -> None:
    session = open_session(studio.http)
    task = state(studio.http, session).task_id
    claim = ClaimToken.model_validate(
        data(studio.http.post(routes.CLAIM_TOKEN, json={"task_id": task, "session_id": session}))
    )
    assert claim.claim_token.startswith("clm_")
    with studio.new() as person:
        page = person.get("/workspace/claim", params={"ct": claim.claim_token})
        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]
        token = data(person.post("/api/studio/claim", json={"claim_token": claim.claim_token}))["token"]
        with studio.new(Authorization=f"Bearer {token}") as inside:
            assert state(inside, session).session_id == session
        assert code(person.post("/api/studio/claim", json={"claim_token": "clm_no"})) == "token_refused"


def test_a_clip_is_uploaded_seen_rendered_and_downloaded(studio: RunningStudio, media: Media, tmp_path: Path) -> None:
    clip = media.clip(["test", "life"], seconds=1)
    session = open_session(studio.http)
    taken = UploadAnswer.model_validate(data(upload(studio.http, session, clip)))
    assert [(f.filename, f.file_type, f.width, f.height) for f in taken.files] == [(clip.name, "video", 320, 180)]
    assert taken.files[0].duration == pytest.approx(2, abs=0.05)
    assert taken.files[0].hash == hashlib.sha256(clip.read_bytes()).hexdigest()
    draft = state(studio.http, session).state.draft
    assert isinstance(draft, dict)
    order = {"id": "render_1", "sessionId": session, "draft": draft, "output": {"format": "mp4", "quality": "high"}}
    first, again = (data(studio.http.post(routes.RENDER, json=order)) for _ in range(2))
    assert (first["id"], first["createdAt"]) == (again["id"], again["createdAt"])
    done = finished(studio.http, "render_1")
    assert done["status"] == "completed", done
    url = str(done["outputUrl"])
    whole = studio.http.get(url)
    assert hashlib.sha256(whole.content).hexdigest() == done["details"]["sha256"]
    assert len(whole.content) == done["output"]["size"]
    part = studio.http.get(url, headers={"Range": "bytes=1000-", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, whole.content[1000:])
    changed = studio.http.get(url, headers={"Range": "bytes=1000-", "If-Range": '"other"'})
    assert (changed.status_code, len(changed.content)) == (200, len(whole.content))
    with studio.new() as stranger:
        assert code(stranger.get(url)) == "token_refused"


def finished(http: httpx.Client, job: str) -> dict[str, object]:
    """Look at a render until it is over."""
    while True:
        status = data(http.get(routes.RENDER_STATUS.format(render_id=job)))
        if status["status"] in ("completed", "failed"):
            return status
        threading.Event().wait(0.02)


def test_bad_files_are_named_and_the_good_ones_taken(studio: RunningStudio, media: Media, tmp_path: Path) -> None:
    clip = media.clip(seconds=1, sound=None)
    (tmp_path / "text.mp4").write_text("this is only text")
    (tmp_path / "empty.mov").touch()
    (tmp_path / "run.exe").write_bytes(b"MZ")
    session = open_session(studio.http)
    bad = [tmp_path / name for name in ("text.mp4", "empty.mov", "run.exe")]
    taken = UploadAnswer.model_validate(data(upload(studio.http, session, bad[0], clip, *bad[1:])))
    assert [f.filename for f in taken.files] == [clip.name]
    assert [(r["filename"], r["code"]) for r in taken.rejected] == [(p.name, "unsupported_media") for p in bad]
    for path in bad:
        alone = upload(studio.http, session, path)
        assert (alone.status_code, alone.json()["code"]) == (415, 4001)
    assert not any(studio.home.joinpath("studio", "work").rglob("*.mp4"))


def test_a_file_over_the_limit_is_refused_and_nothing_of_it_is_kept(studio: RunningStudio) -> None:
    session = open_session(studio.http)
    block = b"\0" * (1 << 20)

    def body() -> object:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="big.mp4"\r\n\r\n'
        for _ in range(routes.MAX_UPLOAD_BYTES // len(block) + 1):
            yield block
        yield b"\r\n--x--\r\n"

    answer = studio.http.post(
        routes.UPLOAD.format(session_id=session),
        content=body(),  # type: ignore[arg-type]
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, 4002)
    assert sum(p.stat().st_size for p in studio.home.joinpath("studio").rglob("*") if p.is_file()) < 10**6


def test_names_of_files_are_cleaned(studio: RunningStudio, media: Media) -> None:
    clip = media.clip(seconds=1, sound=None)
    session = open_session(studio.http)
    parts = [("files", ("../../etc/‮evil​name.mp4", clip.read_bytes()))]
    taken = data(studio.http.post(routes.UPLOAD.format(session_id=session), files=parts))
    assert taken["files"][0]["filename"] == "evilname.mp4"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"--x--\r\n", "multipart/form-data"),
        (b'{"urls": ["https://example.com/a.mp4"], "source_type": "url"}', "application/json"),
        (b"--x\r\n" + b"a" * 9000 + b": b\r\n\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    ],
)
def test_a_damaged_upload_is_one_clear_sentence(studio: RunningStudio, content: bytes, kind: str) -> None:
    session = open_session(studio.http)
    answer = studio.http.post(
        routes.UPLOAD.format(session_id=session), content=content, headers={"Content-Type": kind}
    )
    assert code(answer) == "invalid_argument"
    assert answer.json()["data"]["error"]["next"]


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b"null", b"[" * 100_000, b'{"session_id": {}, "task_name": 7}', b"\xff", b"1e999"]
)
def test_bodies_that_cannot_be_read_are_refused_without_a_fault(studio: RunningStudio, body: bytes) -> None:
    for path in (routes.RUN_SSE, routes.RENDER, routes.CLAIM_TOKEN, routes.NEW_SESSION):
        answer = studio.http.post(path, content=body)
        assert code(answer) in ("invalid_argument", "session_gone"), (path, answer.text)


def test_a_giant_body_is_refused_though_it_could_be_read(studio: RunningStudio) -> None:
    giant = b'{"task_name": "run", "more": "' + b"x" * (9 << 20) + b'"}'
    answer = studio.http.post(routes.NEW_SESSION, content=giant)
    assert (code(answer), answer.status_code // 100) == ("invalid_argument", 4)
    assert open_session(studio.http)


def test_renders_that_cannot_be_are_refused(studio: RunningStudio, media: Media) -> None:
    session = open_session(studio.http)
    upload(studio.http, session, media.clip(seconds=1, sound=None))
    draft = state(studio.http, session).state.draft
    stolen = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 1000, "a": "a_somebody_elses"}]}]}

    def ask(draft: object, name: str = "r", **output: str) -> str:
        order = {"id": name, "sessionId": session, "draft": draft, "output": output}
        return code(studio.http.post(routes.RENDER, json=order))

    assert ask({}) == "nothing_to_export"
    assert ask("an opaque draft") == "invalid_argument"
    assert ask({"t": 5}) == "invalid_argument"
    assert ask(stolen) == "not_found"
    assert ask(draft, format="exe") == "invalid_argument"
    assert ask(draft, quality="best") == "invalid_argument"
    assert ask(draft, "../../x") == "invalid_argument"
    assert code(studio.http.get(routes.RENDER_STATUS.format(render_id="r"))) == "not_found"


def test_only_loopback_names_and_its_own_page_are_answered(studio: RunningStudio) -> None:
    with studio.new() as other:
        assert other.get(routes.CREDITS, headers={"Host": "evil.example"}).status_code == 421
        assert other.get(routes.CREDITS, headers={"Host": ""}).status_code in (400, 421)
        headers = {"Origin": "https://evil.example", "X-Client-Id": "0d6f3c5e-ann"}
        assert other.post(routes.ANONYMOUS_TOKEN, headers=headers).status_code == 403
        own = {"Origin": studio.url, "X-Client-Id": "0d6f3c5e-ann"}
        assert other.post(routes.ANONYMOUS_TOKEN, headers=own).status_code == 200
        assert other.get("/nothing/here").json() == {"detail": "Not Found"}
        assert other.delete(routes.CREDITS).status_code == 405


@pytest.mark.parametrize("cls", BY_CODE.values(), ids=BY_CODE)
def test_every_error_class_crosses_the_wire(cls: type[MusicMakerError]) -> None:
    sent = cls("What happened.", next="What to do.", retry_after_s=3.2, link="https://example.com/register")

    async def fail(request: Request) -> Response:
        raise sent

    app = Starlette(routes=[Route("/", fail)], exception_handlers={MusicMakerError: on_error})
    answer = TestClient(app).get("/")
    assert answer.status_code == cls.status
    assert answer.headers["retry-after"] == "4"
    got = read_failure(answer.status_code, answer.json())
    assert (type(got), got.to_dict()) == (cls, sent.to_dict())


@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_its_input_or_a_signal_and_leaves_no_child(
    studio: RunningStudio, media: Media, how: int | None
) -> None:
    session = open_session(studio.http)
    upload(studio.http, session, media.clip(seconds=1, sound=None))
    children = children_of(studio.process.pid)
    assert children
    assert studio.end(how) == 0
    assert [child for child in children if lives(child)] == []


def test_after_a_kill_of_the_studio_no_worker_runs_on(studio: RunningStudio, media: Media) -> None:
    session = open_session(studio.http)
    upload(studio.http, session, media.clip(seconds=1, sound=None))
    children = children_of(studio.process.pid)
    assert children
    studio.end(signal.SIGKILL)
    while any(lives(child) for child in children):
        threading.Event().wait(0.02)


def children_of(pid: int) -> list[int]:
    told = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in told.splitlines() if int(line.split()[1]) == pid]


def lives(pid: int) -> bool:
    told = subprocess.run(["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False).stdout
    return bool(told.strip()) and not told.strip().startswith("Z")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_command_gives_a_person_a_page_and_takes_the_studio_along(tmp_path: Path, how: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "game_music_maker", "studio"],
        env={**os.environ, "GAME_MUSIC_MAKER_HOME": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    ) as command:  # fmt: skip
        assert command.stdout is not None
        said = json.loads(command.stdout.readline())
        link = httpx.URL(said["page"])
        with httpx.Client(base_url=said["url"], trust_env=False) as person:
            page = person.get(link)
            for name in re.findall(r'"(/page/[\w.]+)"', page.text):
                assert person.get(name).status_code == 200, name
            entered = data(person.post("/api/studio/claim", json={"claim_token": link.params["ct"]}))
            assert entered["session_id"] == ""
            assert entered["token"] not in said["page"]
            headers = {"Authorization": f"Bearer {entered['token']}"}
            made = data(person.post(routes.NEW_SESSION, json={"task_name": "dungeon"}, headers=headers))
            projects = data(person.get("/api/studio/sessions", headers=headers))["sessions"]
            assert [project["id"] for project in projects] == [made["session_id"]]  # type: ignore[attr-defined]
        children = children_of(command.pid)
        assert children
        command.send_signal(how)
    while any(lives(child) for child in children):
        threading.Event().wait(0.02)


def test_a_port_in_use_is_one_clear_sentence(studio: RunningStudio, tmp_path: Path) -> None:
    port = studio.url.rpartition(":")[2]
    run = subprocess.run(
        [sys.executable, "-m", "game_music_maker.studio", "--home", str(tmp_path / "other"), "--port", port],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_description_of_the_interface_names_every_route(studio: RunningStudio) -> None:
    with studio.new() as anybody:
        paths = anybody.get("/openapi.json").json()["paths"]
    named = [
        routes.ANONYMOUS_TOKEN, routes.CLAIM_TOKEN, routes.NEW_SESSION, routes.RUN_SSE, routes.UPLOAD, routes.CREDITS,
        routes.STATE, routes.RENDER, routes.RENDER_STATUS, routes.RENDER_DOWNLOAD, routes.STUDIO_CANCEL,
        routes.STUDIO_PICTURE,
    ]  # fmt: skip
    assert set(named) <= set(paths)
    assert json.dumps(paths).count('"operationId"') == len(paths)


def test_two_studios_share_one_home(start_studio: Callable[..., RunningStudio], media: Media) -> None:
    one, two = start_studio(), start_studio()
    session = open_session(one.http)
    upload(one.http, session, media.clip(seconds=1, sound=None))
    assert state(two.http, session) == state(one.http, session)
    with two.new(Authorization=f"Bearer {one.token}") as stranger:
        assert code(stranger.get(routes.CREDITS)) == "token_refused"
