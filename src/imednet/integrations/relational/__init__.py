"""What the SQL sink needs of a database: its engine, a lock, and what of a table that is there can stay."""
