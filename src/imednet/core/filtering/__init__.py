"""Filters: what a caller may say, what the server is asked, and what is tested here."""
