"""Helpers that know nothing of the API: URLs, files on disk, CSV, text, true and false, signals."""
