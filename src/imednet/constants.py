"""Constants: addresses, header names, defaults, and names of environment variables."""

from typing import Final

DEFAULT_BASE_URL: Final = "https://edc.prod.imednetapi.com"
"""The production host; the vendor publishes no other."""

CONTENT_TYPE_JSON: Final = "application/json"
HEADER_ACCEPT: Final = "Accept"
HEADER_CONTENT_TYPE: Final = "Content-Type"
HEADER_API_KEY: Final = "x-api-key"
HEADER_SECURITY_KEY: Final = "x-imn-security-key"
HEADER_EMAIL_NOTIFY: Final = "x-email-notify"
HEADER_CORRELATION_ID: Final = "x-correlation-id"
"""Our own header: one value for all attempts of a call, also shown in log lines and errors."""

DEFAULT_TIMEOUT: Final = 30.0
"""Seconds without an answer before a request counts as failed."""

DEFAULT_RETRIES: Final = 3
"""Attempts after the first one."""

DEFAULT_BACKOFF_FACTOR: Final = 1.0
"""Multiplier of the randomised, exponentially growing wait between attempts, in seconds."""

RETRY_AFTER_CAP: Final = 60.0
"""The longest wait, in seconds, that a server may ask for; a longer one raises `RateLimitError` at once."""

DEFAULT_MAX_IN_FLIGHT: Final = 6
"""Requests one client sends at the same time, at most."""

DEFAULT_MAX_RESPONSE_BYTES: Final = 2**30
"""The most bytes one answer may have after decompression; a page of 500 records has about a million."""

DEFAULT_MAX_RESPONSE_SECONDS: Final = 300.0
"""Seconds one answer may take, from the request to its last byte."""

DEFAULT_PAGE_SIZE: Final = 100
"""Rows per page of the stand-alone `Paginator`."""

LARGE_PAGE_SIZE: Final = 500
"""Rows per page of the endpoints: the most the server sends."""

MAX_SQLITE_COLUMNS: Final = 2000
"""Columns a SQLite table can have."""

FAILED_JOB_STATES: Final = frozenset({"CANCELLED", "FAILED"})
"""Job states, in capitals, of a job that ended without having done what it was to do."""
TERMINAL_JOB_STATES: Final = FAILED_JOB_STATES | {"COMPLETED"}
"""Job states, in capitals, after which a job no longer changes."""

ENV_API_KEY: Final = "IMEDNET_API_KEY"
ENV_SECURITY_KEY: Final = "IMEDNET_SECURITY_KEY"
ENV_BASE_URL: Final = "IMEDNET_BASE_URL"
ENV_LOG: Final = "IMEDNET_LOG"
ENV_PROFILE: Final = "IMEDNET_PROFILE"
ENV_CONFIG_HOME: Final = "IMEDNET_CONFIG_HOME"
ENV_STATE_HOME: Final = "IMEDNET_STATE_HOME"
