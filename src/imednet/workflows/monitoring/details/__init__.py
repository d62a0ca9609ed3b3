"""What lies behind a count: the queries, the subjects, and what happened to one of them."""
