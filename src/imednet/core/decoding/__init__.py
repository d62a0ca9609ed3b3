"""Bytes of an answer -> rows, decoded once."""
