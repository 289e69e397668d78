"""Authentication of changes by a bearer token."""

import hmac

from fastapi import HTTPException, Request

from nse_lstm.errors import ConfigurationError

TOKEN_VARIABLE = "NSE_LSTM_TOKEN"
"""Environment variable of the token; without it HTTP can change nothing."""
MIN_LENGTH = 24


def check_token(token: str) -> str:
    """Return a token if it is long enough.

    Raises
    ------
    ConfigurationError
        If it is too short, or not printable ASCII. The message omits the token.
    """
    if len(token) < MIN_LENGTH or not (token.isascii() and token.isprintable()):
        raise ConfigurationError(
            f"{TOKEN_VARIABLE} must be {MIN_LENGTH} or more printable characters, such "
            f"as of `openssl rand -hex 32`. Received: {len(token)} characters"
        )
    return token


def require_token(request: Request, token: str) -> None:
    """Refuse a request without the token, compared in constant time.

    The scheme's name may have any case (RFC 9110, section 11.1).

    Parameters
    ----------
    request : Request
        Its header ``Authorization`` is read.
    token : str
        The service's.

    Raises
    ------
    HTTPException
        401, without a reason.
    """
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    given = rest.strip(" ").encode("utf-8", "replace")
    is_token = hmac.compare_digest(given, token.encode())
    if scheme.lower() != "bearer" or not is_token:
        raise HTTPException(
            401, "A token is needed", headers={"WWW-Authenticate": "Bearer"}
        )
