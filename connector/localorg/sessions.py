"""Access tokens: issued, recognised, expired. Called by oauth.py and by the server for every request."""

import hashlib
from datetime import datetime

from connector.localorg.state import Grant, OrgState, Session


def issue_token(state: OrgState, user_id: str, client_key: str, now: datetime) -> str:
    """Make a token of the shape `00D...!AQ...`; deterministic for an org, never issued twice."""
    state.tokens_issued += 1
    secret = hashlib.sha256(f"{state.seed}:{user_id}:{client_key}:{state.tokens_issued}".encode()).hexdigest()
    token = f"{state.org_id[:15]}!AQ{secret}"
    state.sessions[token] = Session(user_id, client_key, now.timestamp())
    return token


def issue_refresh_token(state: OrgState, user_id: str, client_key: str) -> str:
    """Make a refresh token of the shape `5Aep...`; deterministic for an org, never issued twice."""
    state.tokens_issued += 1
    secret = hashlib.sha256(f"refresh:{state.seed}:{user_id}:{client_key}:{state.tokens_issued}".encode()).hexdigest()
    token = f"5Aep861{secret}"
    state.grants[token] = Grant(user_id, client_key)
    return token


def find_session(state: OrgState, token: str | None, now: datetime) -> Session | None:
    """Return the live session of a token and keep it alive, or None; idle sessions end (reference 1.4)."""
    session = state.sessions.get(token or "")
    if session is None or token is None:
        return None
    if now.timestamp() - session.used > state.switches.session_seconds:
        del state.sessions[token]
        return None
    session.used = max(session.used, now.timestamp())
    return session


def end_sessions(state: OrgState, token: str | None = None) -> None:
    """Expire one token, or all of them."""
    if token is None:
        state.sessions.clear()
    else:
        state.sessions.pop(token, None)
