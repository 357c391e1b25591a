"""The studio under a schema-driven fuzzer: what its OpenAPI document allows, and what it forbids, never ends in a 5xx.

    pip install 'schemathesis>=4.32,<5'       # best in an environment of its own
    python bench/fuzz.py [--examples 50] [--seed 1] [--schemathesis PROGRAM]

Starts a studio with a home of its own, gives it a project with a clip, music and a finished export, so that the fuzzer
has ids that exist, and runs schemathesis over every operation: one phase for what the schema covers, one that makes
requests up, one that chains them. Answers must be of a documented status, type and shape, and none may be a 5xx. The
exit status is the fuzzer's own; afterwards the studio must still answer and end by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
HOOKS = """
import json, os, random
import schemathesis

IDS = json.loads(os.environ["FUZZ_IDS"])
CHANCE = random.Random(IDS["seed"])

@schemathesis.hook
def map_path_parameters(context, path_parameters):
    for name, value in IDS["path"].items():
        if path_parameters and name in path_parameters and CHANCE.random() < 0.7:
            path_parameters[name] = value
    return path_parameters

@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict) and CHANCE.random() < 0.7:
        for name, value in IDS["body"].items():
            if name in body:
                body[name] = value
    return body
"""


@contextmanager
def studio(home: Path) -> Iterator[httpx.Client]:
    """A studio process and a client of its owner."""
    command = [sys.executable, "-m", "game_music_maker.studio", "--home", str(home)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    head = {"Authorization": f"Bearer {ready['token']}"}
    try:
        with httpx.Client(base_url=ready["url"], headers=head, timeout=120, trust_env=False) as client:
            yield client
    finally:
        process.stdin.close()
        status = process.wait(timeout=30)
        process.stdout.close()
    if status != 0:
        raise SystemExit(f"the studio ended with status {status}")


def data(response: httpx.Response) -> Any:
    response.raise_for_status()
    body = response.json()
    return body.get("data", body)


def project(client: httpx.Client, folder: Path) -> dict[str, Any]:
    """Ids of a session with footage, music and a finished render."""
    session = data(client.post("/api/tasks/me/with-session/nemo_agent", json={"task_name": "project"}))
    sid = session["session_id"]
    clip = folder / "clip.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=12:d=2", "-pix_fmt", "yuv420p"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source, str(clip)], check=True)
    with clip.open("rb") as handle:
        data(client.post(f"/api/upload-video/nemo_agent/me/{sid}", files={"files": ("clip.mp4", handle)}))
    message = {"parts": [{"text": "calm harp music"}]}
    said = {"app_name": "nemo_agent", "user_id": "me", "session_id": sid, "new_message": message}
    client.post("/run_sse", json=said).raise_for_status()
    state = data(client.get(f"/api/state/nemo_agent/me/{sid}/latest"))["state"]
    order = {"id": "render_1", "sessionId": sid, "draft": state["draft"], "output": {"format": "mp4"}}
    data(client.post("/api/render/proxy/lambda", json=order))
    while (status := data(client.get("/api/render/proxy/lambda/render_1")))["status"] in ("pending", "processing"):
        pass
    if status["status"] != "completed":
        raise SystemExit(status)
    claim = data(client.post("/api/auth/claim-token", json={"task_id": session["task_id"], "session_id": sid}))
    inside = {"session_id": sid, "render_id": "render_1", "job_id": "render_1"}
    inside["score_id"] = state["generated_media"][0]["id"]
    body = {
        "session_id": sid, "sessionId": sid, "task_id": session["task_id"], "draft": state["draft"],
        "claim_token": claim["claim_token"],
    }  # fmt: skip
    return {"path": inside, "body": body}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="requests made up for each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schemathesis", default="schemathesis", metavar="PROGRAM")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, studio(Path(scratch) / "home") as client:
        folder = Path(scratch)
        ids = {"seed": args.seed, **project(client, folder)}
        (folder / "fuzz_hooks.py").write_text(HOOKS)
        environment = {
            **os.environ, "FUZZ_IDS": json.dumps(ids), "SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(folder),
        }  # fmt: skip
        done = subprocess.run(
            [
                args.schemathesis, "run", f"{client.base_url}/openapi.json".replace("//openapi", "/openapi"),
                "--header", f"Authorization: {client.headers['authorization']}", "--checks", CHECKS,
                "--max-examples", str(args.examples), "--seed", str(args.seed), "--no-color",
            ],
            env=environment, cwd=folder, check=False,
        )  # fmt: skip
        client.get("/api/credits/balance/simple").raise_for_status()
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
