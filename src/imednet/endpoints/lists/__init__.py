"""The lists of the API: their methods (`async_base`, `base`), decisions (`shared`) and typed filters (`typed`)."""
