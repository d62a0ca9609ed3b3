"""Files an export leaves on disk: its folder and manifest, the extraction log, reading scripts, snapshots."""
