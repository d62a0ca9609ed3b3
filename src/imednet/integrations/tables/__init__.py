"""Tables of an export: options, columns, names, and batches of typed cells."""
