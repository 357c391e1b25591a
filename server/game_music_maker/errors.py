"""The one error tree, spoken on both sides of the wire.

    MusicMakerError                  base: a sentence for the user, and the next step
    ├─ InvalidArgument               invalid_argument      a value that cannot be used
    │  └─ SettingError               invalid_argument      an environment variable that cannot be used
    ├─ NotFound                      not_found             no such project, job, asset, file
    ├─ NotAllowedPath                not_allowed_path      outside the allowed folders
    ├─ OutputExists                  output_exists         never replaced unless asked
    ├─ DiskFull                      disk_full
    ├─ MediaError
    │  ├─ UnsupportedMedia           unsupported_media     4001
    │  └─ FileTooLarge               file_too_large        4002
    ├─ AccountError
    │  ├─ TokenRefused               token_refused         1001, HTTP 401
    │  ├─ NoCredits                  no_credits            2001
    │  ├─ PlanRequired               plan_required         HTTP 402, 403 on a render
    │  └─ RateLimited                rate_limited          HTTP 429
    ├─ SessionGone                   session_gone          1002
    ├─ NothingToExport               nothing_to_export
    ├─ Busy                          busy                  a turn runs, or the queue is full
    ├─ Cancelled                     cancelled
    ├─ TimedOut                      timeout
    ├─ OutcomeUnknown                outcome_unknown       may or may not have happened: not sent again
    ├─ RenderFailed                  render_failed
    └─ BackendError                  backend_error
       ├─ BackendUnreachable         backend_unreachable
       └─ BadAnswer                  bad_answer            the backend answered something unreadable

Every class has a stable word (`code`), a number and an HTTP status for the wire. `BY_CODE` and `from_wire` read them
back. An error's text is one or two sentences for a person: what happened, and what to do. No ids, tokens or paths of
the backend stand in it.
"""

from __future__ import annotations

from typing import Any, ClassVar


class MusicMakerError(Exception):
    """Base of every failure that a user is told about.

    Args:
        message: what happened, one sentence for a person.
        next: the next step, in words; the class's own advice where None.
        retry_after_s: seconds after which the same call may work.
        link: a page for a person (registration), never carrying a token.
        routed_to: the tool that a message was routed to, if one was.
    """

    code: ClassVar[str] = "backend_error"
    wire: ClassVar[int] = 5000
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    advice: ClassVar[str] = "Try again; if it stays, run `game-music-maker doctor`."

    def __init__(
        self,
        message: str,
        *,
        next: str | None = None,
        retry_after_s: float | None = None,
        link: str | None = None,
        routed_to: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.next = self.advice if next is None else next
        self.retry_after_s = retry_after_s
        self.link = link
        self.routed_to = routed_to

    def to_dict(self) -> dict[str, Any]:
        """The public error object: ``code, message, retryable, next``; ``retry_after_s, link, routed_to`` if known."""
        found: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "retryable": self.retryable or self.retry_after_s is not None,
            "next": self.next,
        }
        for key in ("retry_after_s", "link", "routed_to"):
            value = getattr(self, key)
            if value is not None:
                found[key] = value
        return found


class InvalidArgument(MusicMakerError):
    code, wire, status = "invalid_argument", 4000, 400
    advice = "Correct the value and call again."


class SettingError(InvalidArgument):
    advice = "Correct or unset the variable and start again."


class NotFound(MusicMakerError):
    code, wire, status = "not_found", 4040, 404
    advice = "Check the name; the `state` tool lists what there is."


class NotAllowedPath(MusicMakerError):
    code, wire, status = "not_allowed_path", 4030, 403
    advice = "Move the file into an allowed folder, or add its folder to GAME_MUSIC_MAKER_ALLOWED_DIRS."


class OutputExists(MusicMakerError):
    code, wire, status = "output_exists", 4090, 409
    advice = "Choose another output name, or ask to overwrite it."


class DiskFull(MusicMakerError):
    code, wire, status = "disk_full", 5070, 507
    advice = "Free some space and run the same call again."


class MediaError(MusicMakerError):
    code, wire, status = "unsupported_media", 4001, 415
    advice = "Send mp4, mov, avi, webm, mkv, jpg, png, gif, webp, mp3, wav, m4a or aac."


class UnsupportedMedia(MediaError):
    pass


class FileTooLarge(MediaError):
    code, wire, status = "file_too_large", 4002, 413
    advice = "Compress or trim the file below 500 MB and send it again."


class AccountError(MusicMakerError):
    code, wire, status = "token_refused", 1001, 401


class TokenRefused(AccountError):
    advice = 'Check NEMO_TOKEN, or unset it; backend="local" works without an account.'


class NoCredits(AccountError):
    code, wire, status = "no_credits", 2001, 402
    advice = "Top up credits in your account."


class PlanRequired(AccountError):
    code, wire, status = "plan_required", 4020, 402
    advice = "Register or upgrade your plan to unlock export."


class RateLimited(AccountError):
    code, wire, status = "rate_limited", 4290, 429
    retryable = True
    advice = 'Wait and try again; NEMO_TOKEN or backend="local" work meanwhile.'


class SessionGone(MusicMakerError):
    code, wire, status = "session_gone", 1002, 404
    advice = "The old timeline is gone; upload the files again and repeat the request."


class NothingToExport(MusicMakerError):
    code, wire, status = "nothing_to_export", 4220, 422
    advice = "Upload a clip or ask for music first."


class Busy(MusicMakerError):
    code, wire, status = "busy", 4291, 429
    retryable = True
    advice = "Wait for what is running, then call again."


class Cancelled(MusicMakerError):
    code, wire, status = "cancelled", 4990, 409
    advice = "Nothing was changed by the cancelled work; ask again when you want it."


class TimedOut(MusicMakerError):
    code, wire, status = "timeout", 5040, 504
    retryable = True
    advice = "Look at the state before sending it again."


class OutcomeUnknown(MusicMakerError):
    code, wire, status = "outcome_unknown", 5041, 504
    advice = "Look at the state first; sending it again may do it twice."


class RenderFailed(MusicMakerError):
    code, wire, status = "render_failed", 5001, 500
    retryable = True
    advice = "Export again; if it fails again, change the edit or the format."


class BackendError(MusicMakerError):
    code, wire, status = "backend_error", 5000, 500
    retryable = True


class BackendUnreachable(BackendError):
    code, wire, status = "backend_unreachable", 5030, 503
    advice = 'Check the network, or connect with backend="local", which needs none.'


class BadAnswer(BackendError):
    code, wire, status = "bad_answer", 5020, 502
    advice = "Try again; if it stays, the service speaks something that this version cannot read."


def _tree(root: type[MusicMakerError]) -> list[type[MusicMakerError]]:
    found = [root]
    for child in root.__subclasses__():
        found += _tree(child)
    return found


ALL: tuple[type[MusicMakerError], ...] = tuple(_tree(MusicMakerError))
"""Every class of the tree, parents first."""

BY_CODE: dict[str, type[MusicMakerError]] = {
    cls.code: cls for cls in reversed(ALL) if cls not in (MusicMakerError, MediaError, AccountError, SettingError)
}
"""Stable word → class. The words are those of the public interface."""

BY_WIRE: dict[int, type[MusicMakerError]] = {cls.wire: cls for cls in BY_CODE.values()}
"""Number in the contract's envelope → class."""
