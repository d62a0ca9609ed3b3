"""One request: throttled, retried, read within limits, and turned into a value or an error of the SDK."""
