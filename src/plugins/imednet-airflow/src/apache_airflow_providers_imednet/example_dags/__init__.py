"""Dags to copy from; each runs on the sandbox as it stands."""
