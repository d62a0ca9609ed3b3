"""One request: sent at a pace, retried, read within limits, and turned into a value or one of our errors."""
