"""A list read whole: which page next, and why nothing is missing. `docs/reads.md` tells the rule."""
