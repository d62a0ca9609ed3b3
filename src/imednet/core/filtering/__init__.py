"""Filters: how expressions are written, what the server applies, and what is tested on the rows."""
