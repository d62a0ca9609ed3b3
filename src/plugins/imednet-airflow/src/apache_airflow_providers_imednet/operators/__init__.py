"""Operators, each in a file of its own: exports, mirrors, written records."""
