"""The lists of the invented study: their rows are computed when asked for, and later changes are laid over them."""
