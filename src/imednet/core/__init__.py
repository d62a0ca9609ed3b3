"""One request well done; a read that is whole.

Modules by what they decide: `retry` (send again?), `answers` (what does an answer mean?), `decoding` (bytes to rows),
`reading` (what to ask next, is the read whole?), `filters`, `conditions` and `planning` (what is filtered, and where),
`pace` (how fast?), `polling` (is a job over?). Modules that move bytes: `http` (the retry loop and foreign errors),
`client`, `async_client`, `paginator` (a list nobody described). `monitor` tells of requests.

Names are loaded when they are used first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import loader

if TYPE_CHECKING:
    from ..errors import ApiError as ApiError
    from ..errors import AuthenticationError as AuthenticationError
    from ..errors import AuthorizationError as AuthorizationError
    from ..errors import BadRequestError as BadRequestError
    from ..errors import ConflictError as ConflictError
    from ..errors import ForbiddenError as ForbiddenError
    from ..errors import ImednetError as ImednetError
    from ..errors import NotFoundError as NotFoundError
    from ..errors import PaginationError as PaginationError
    from ..errors import RateLimitError as RateLimitError
    from ..errors import RequestError as RequestError
    from ..errors import ServerError as ServerError
    from ..errors import UnauthorizedError as UnauthorizedError
    from ..errors import ValidationError as ValidationError
    from .async_client import AsyncClient as AsyncClient
    from .base_client import BaseClient as BaseClient
    from .client import Client as Client
    from .context import Context as Context
    from .http_client_base import HTTPClientBase as HTTPClientBase
    from .paginator import AsyncPaginator as AsyncPaginator
    from .paginator import Paginator as Paginator
    from .retry import DefaultRetryPolicy as DefaultRetryPolicy
    from .retry import RetryPolicy as RetryPolicy
    from .retry import RetryState as RetryState

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncPaginator",
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
    "Paginator",
    "RateLimitError",
    "RequestError",
    "RetryPolicy",
    "RetryState",
    "ServerError",
    "UnauthorizedError",
    "ValidationError",
]

_HOMES = {
    "ApiError": ".errors",
    "AsyncClient": "async_client",
    "AsyncPaginator": "paginator",
    "AuthenticationError": ".errors",
    "AuthorizationError": ".errors",
    "BadRequestError": ".errors",
    "BaseClient": "base_client",
    "Client": "client",
    "ConflictError": ".errors",
    "Context": "context",
    "DefaultRetryPolicy": "retry",
    "ForbiddenError": ".errors",
    "HTTPClientBase": "http_client_base",
    "ImednetError": ".errors",
    "NotFoundError": ".errors",
    "PaginationError": ".errors",
    "Paginator": "paginator",
    "RateLimitError": ".errors",
    "RequestError": ".errors",
    "RetryPolicy": "retry",
    "RetryState": "retry",
    "ServerError": ".errors",
    "UnauthorizedError": ".errors",
    "ValidationError": ".errors",
}

__getattr__ = loader(__name__, _HOMES, globals())
