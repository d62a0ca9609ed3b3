"""Tables of an export: its options, their columns and names, and batches of typed cells."""
