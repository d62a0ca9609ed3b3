"""The server: requests to answers, lists, writes, jobs, and what goes wrong on the way."""
