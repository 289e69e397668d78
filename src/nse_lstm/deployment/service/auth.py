"""Who may change something: whoever knows the token."""

import hmac

from fastapi import HTTPException, Request

from nse_lstm.errors import ConfigurationError

TOKEN_VARIABLE = "NSE_LSTM_TOKEN"
"""Of the environment; without it nothing can be changed over HTTP."""
MIN_LENGTH = 24


def check_token(token: str) -> str:
    """Return a token that is long enough to keep.

    Raises
    ------
    ConfigurationError
        If it is too short, or not of printable ASCII. The token is not repeated.
    """
    if len(token) < MIN_LENGTH or not (token.isascii() and token.isprintable()):
        raise ConfigurationError(
            f"{TOKEN_VARIABLE} must be {MIN_LENGTH} or more printable characters, such "
            f"as of `openssl rand -hex 32`. Received: {len(token)} characters"
        )
    return token


def require_token(request: Request, token: str) -> None:
    """Let a request pass that bears the token, in a time that does not tell how near.

    Raises
    ------
    HTTPException
        401 without telling what was wrong.
    """
    given = request.headers.get("authorization", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, f"Bearer {token}".encode()):
        raise HTTPException(
            401, "A token is needed", headers={"WWW-Authenticate": "Bearer"}
        )
