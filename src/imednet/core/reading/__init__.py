"""Whole reads of a list: which page comes next, and the proof that no row is missing. `docs/reads.md` has the rules."""
