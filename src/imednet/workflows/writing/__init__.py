"""Writing of records, in the order of a run.

`item_files` reads items from files, `plan` says what a write would do, `submit` sends batches, `readback` and `items`
find out what became of each item, and `journal` records the run so that it can be resumed.
"""
