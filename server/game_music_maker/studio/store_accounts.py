"""Tokens and claims. Only hashes are kept: a copy of the database lets nobody in."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from ..errors import InvalidArgument, TokenRefused
from .store import Database

TOKEN_DAYS = 7
CLAIM_SECONDS = 604_800
_TOKENS_PER_USER = 10
OWNER = "owner"
"""The user that the token of the ready line stands for: whoever started the studio."""


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Accounts:
    """Who may do what. `owner_token` is this process's own and sees every session."""

    def __init__(self, database: Database, owner_token: str) -> None:
        self._database = database
        self._owner_token = owner_token

    def anonymous(self, client_id: str) -> tuple[str, str, float]:
        """A new token for a client id: (token, user id, expiry in seconds since the epoch).

        Raises:
            InvalidArgument: the client id is missing or not one.
        """
        if not 8 <= len(client_id) <= 200 or not client_id.isprintable():
            raise InvalidArgument("The X-Client-Id header is missing.", next="Make an id and ask again.")
        user = "user_" + _hash("client " + client_id)[:24]
        now = self._database.clock()
        expires = now + TOKEN_DAYS * 86_400
        token = self._issue(user, now, expires)
        return token, user, expires

    def _issue(self, user: str, now: float, expires: float) -> str:
        token = "nmv_usr_" + secrets.token_urlsafe(32)
        with self._database.write() as sql:
            sql.execute("DELETE FROM tokens WHERE expires < ?", (now,))
            sql.execute(
                "DELETE FROM tokens WHERE user = ? AND hash NOT IN"
                " (SELECT hash FROM tokens WHERE user = ? ORDER BY created DESC LIMIT ?)",
                (user, user, _TOKENS_PER_USER - 1),
            )
            sql.execute("INSERT INTO tokens VALUES(?, ?, ?, ?)", (_hash(token), user, now, expires))
        return token

    def user_of(self, token: str) -> str:
        """The user that a bearer token stands for.

        Raises:
            TokenRefused: unknown or expired.
        """
        if hmac.compare_digest(token.encode(), self._owner_token.encode()):
            return OWNER
        with self._database.read() as sql:
            row = sql.execute("SELECT user, expires FROM tokens WHERE hash = ?", (_hash(token),)).fetchone()
        if row is None or row["expires"] < self._database.clock():
            raise TokenRefused(
                "The access token was refused.", next="Ask the studio for a new token and repeat the call."
            )
        return str(row["user"])

    def claim(self, user: str, session: str = "") -> str:
        """A token that lets a person's browser take over `session` ("": whatever the user has); it is not an access
        token."""
        token = "clm_" + secrets.token_urlsafe(32)
        now = self._database.clock()
        with self._database.write() as sql:
            sql.execute("DELETE FROM claims WHERE expires < ?", (now,))
            sql.execute("INSERT INTO claims VALUES(?, ?, ?, ?)", (_hash(token), user, session, now + CLAIM_SECONDS))
        return token

    def redeem(self, claim: str) -> tuple[str, str]:
        """Exchange a claim for (access token, session id or "").

        Raises:
            TokenRefused: unknown or expired.
        """
        now = self._database.clock()
        with self._database.read() as sql:
            row = sql.execute("SELECT * FROM claims WHERE hash = ?", (_hash(claim),)).fetchone()
        if row is None or row["expires"] < now:
            raise TokenRefused("This link is no longer valid.", next="Ask for a new link to the project.")
        return self._issue(row["user"], now, row["expires"]), str(row["session"])
