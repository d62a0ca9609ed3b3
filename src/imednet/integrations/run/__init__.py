"""One run of an export: read the study once into a spool, write the tables that are complete, report."""
