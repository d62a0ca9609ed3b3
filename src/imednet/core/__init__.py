"""One request well done; a read that is whole.

Modules by what they decide: `retry` (send again?), `answers` (what does an answer mean?), `pages` (bytes to rows),
`reading` (which page next, is the read whole?), `filters` (expressions). Modules that move bytes: `http` (the retry
loop and foreign errors), `client`, `async_client`, `driving` (a read over a client).
"""

from __future__ import annotations

from ..errors import (
    ApiError,
    AuthenticationError,
    AuthorizationError,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    ImednetError,
    NotFoundError,
    PaginationError,
    RateLimitError,
    RequestError,
    ServerError,
    UnauthorizedError,
    ValidationError,
)
from .async_client import AsyncClient
from .base_client import BaseClient
from .client import Client
from .context import Context
from .http_client_base import HTTPClientBase
from .retry import DefaultRetryPolicy, RetryPolicy, RetryState

__all__ = [
    "ApiError",
    "AsyncClient",
    "AuthenticationError",
    "AuthorizationError",
    "BadRequestError",
    "BaseClient",
    "Client",
    "ConflictError",
    "Context",
    "DefaultRetryPolicy",
    "ForbiddenError",
    "HTTPClientBase",
    "ImednetError",
    "NotFoundError",
    "PaginationError",
    "RateLimitError",
    "RequestError",
    "RetryPolicy",
    "RetryState",
    "ServerError",
    "UnauthorizedError",
    "ValidationError",
]
