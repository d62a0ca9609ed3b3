"""Writing: items from files or rows, checked, planned, sent once, read back, and journalled."""
