"""Clients, retries and whole reads: everything between an endpoint and the network.

- `client`, `async_client`: send requests; `http_client_base` and `base_client` are their bases, `factory` makes them;
- `retry`: whether a request is sent again; `polling`: waiting for a job;
- `options`: settings of one call and of a client; `context`: the study of calls that name none;
- `protocols`: what endpoints and workflows need of a client; `concurrency`: threads and tasks, called alike;
- `conditions`, `http`: other paths to `filtering.conditions` and to the executors of `transport`;
- `monitor`: log lines, spans and hooks;
- `paginator`: lists that no endpoint knows; `parsing`: decoded JSON to models;
- `transport`: one request (throttling, limits, the retry loop, errors of `httpx`);
- `filtering`: filter expressions; `decoding`: bytes to rows; `reading`: a list read whole.

Names are loaded at first use.
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
