"""The studio's OpenAPI document, made from the contract's models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from ..contract import account, media, render, routes
from ..contract.chat import RunRequest
from ..contract.score import ScorePlan
from ..errors import BY_CODE

_SESSION = ("session_id", r"^[0-9]{1,19}$")


def _errors() -> dict[str, str]:
    """Status → the words of the errors that come with it."""
    found: dict[str, list[str]] = {}
    for code, error in BY_CODE.items():
        found.setdefault(str(error.status), []).append(code)
    return {status: f"{', '.join(sorted(codes))}." for status, codes in sorted(found.items())}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _enveloped(model: type[BaseModel] | None) -> dict[str, Any]:
    data = _ref(model) if model else {"type": "object"}
    properties = {"code": {"const": 0}, "message": {"type": "string"}, "data": data}
    return _json({"type": "object", "properties": properties, "required": ["code", "data"]})


def _operation(
    name: str,
    summary: str,
    *,
    gives: type[BaseModel] | None = None,
    content: dict[str, Any] | None = None,
    takes: dict[str, Any] | None = None,
    inside: tuple[tuple[str, str], ...] = (),
    anonymous: bool = False,
    header: str | None = None,
) -> dict[str, Any]:
    failure = {"type": "object", "required": ["code", "message"], "properties": {"code": {"type": "integer"}}}
    answers: dict[str, Any] = {"200": {"description": "Done.", **(content or _enveloped(gives))}}
    answers |= {status: {"description": words, **_json(failure)} for status, words in _errors().items()}
    parameters: list[dict[str, Any]] = [
        {"name": key, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}
        for key, pattern in inside
    ]
    if header:
        parameters.append({"name": header, "in": "header", "required": True, "schema": {"type": "string"}})
    found: dict[str, Any] = {"operationId": name, "summary": summary, "responses": answers, "parameters": parameters}
    if takes is not None:
        found["requestBody"] = {"required": True, **takes}
    if anonymous:
        found["security"] = []
    return found


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return _json({"type": "object", "properties": properties})


def _binary(kind: str) -> dict[str, Any]:
    return {"content": {kind: {"schema": {"type": "string", "format": "binary"}}}}


def _project_paths() -> dict[str, Any]:
    text = {"type": "string"}
    files = {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}}
    multipart = {"content": {"multipart/form-data": {"schema": {"type": "object", "properties": files}}}}
    stream: dict[str, Any] = {"content": {"text/event-stream": {}}}
    return {
        routes.ANONYMOUS_TOKEN: {
            "post": _operation(
                "anonymousToken", "A token for a client id.", gives=account.AnonymousToken, anonymous=True,
                header="X-Client-Id",
            )
        },
        routes.NEW_SESSION: {
            "post": _operation(
                "newSession", "A new editing session.", gives=account.SessionOpened,
                takes=_object(task_name=text, language=text),
            )
        },
        routes.CLAIM_TOKEN: {
            "post": _operation(
                "claimToken", "A token that lets a person's browser take a session over.", gives=account.ClaimToken,
                takes=_object(task_id=text, session_id=text),
            )
        },
        routes.RUN_SSE: {
            "post": _operation(
                "run", "One chat message; its turn as ADK Events.", content=stream, takes=_json(_ref(RunRequest))
            )
        },
        routes.UPLOAD: {
            "post": _operation(
                "upload", "Files into a session, at most 500 MB each.", gives=media.UploadAnswer, takes=multipart,
                inside=(_SESSION,),
            )
        },
        routes.CREDITS: {"get": _operation("credits", "The balance; it never falls.", gives=account.Credits)},
        routes.STATE: {
            "get": _operation("state", "The draft, files and music.", gives=media.StateAnswer, inside=(_SESSION,))
        },
    }  # fmt: skip


def _job_paths() -> dict[str, Any]:
    text = {"type": "string"}
    job, rendering = ("job_id", r"^[A-Za-z0-9_.-]{1,120}$"), ("render_id", r"^[A-Za-z0-9_.-]{1,120}$")
    return {
        routes.RENDER: {
            "post": _operation(
                "submitRender", "Begin a render; the same id twice is one render.", gives=render.RenderStatus,
                takes=_json(_ref(render.RenderRequest)),
            )
        },
        routes.RENDER_STATUS: {
            "get": _operation(
                "renderStatus", "How far it is; told `Prefer: wait=1`, at its end if that comes within a second.",
                gives=render.RenderStatus, inside=(rendering,),
            )
        },
        routes.RENDER_DOWNLOAD: {
            "get": _operation(
                "download", "The finished file, with ranges.", content=_binary("*/*"),
                inside=(rendering,),
            )
        },
        routes.STUDIO_CANCEL: {
            "post": _operation("cancel", "End a render or a turn (also by its session's id).", inside=(job,))
        },
        routes.STUDIO_PICTURE: {
            "get": _operation("picture", "A PNG of the timeline.", content=_binary("image/png"), inside=(_SESSION,))
        },
        "/api/studio/sessions": {"get": _operation("sessions", "The user's sessions, newest first.")},
        "/api/studio/claim": {
            "post": _operation(
                "redeem", "Exchange a claim token for access.", takes=_object(claim_token=text), anonymous=True
            )
        },
        "/api/studio/scores/{session_id}/{score_id}": {
            "get": _operation(
                "scoreSound", "The sound of one score.", content=_binary("audio/wav"),
                inside=(_SESSION, ("score_id", r"^s_[0-9a-f]{1,40}$")),
            )
        },
    }  # fmt: skip


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    models: tuple[type[BaseModel], ...] = (
        account.AnonymousToken, account.SessionOpened, account.ClaimToken, account.Credits, media.UploadAnswer,
        media.StateAnswer, render.RenderRequest, render.RenderStatus, RunRequest, ScorePlan,
    )  # fmt: skip
    schemas: dict[str, Any] = {}
    for model in models:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    return {
        "openapi": "3.1.0",
        "info": {"title": "Game Music Maker studio", "version": "1", "license": {"name": "MIT"}},
        "security": [{"bearer": []}],
        "paths": _project_paths() | _job_paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
