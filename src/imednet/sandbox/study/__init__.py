"""The lists of the invented study, made when they are asked for."""
