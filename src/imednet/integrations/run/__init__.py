"""One run of an export: read the study once, spool it, write what is proven, report."""
