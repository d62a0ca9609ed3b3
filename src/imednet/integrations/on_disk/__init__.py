"""What an export leaves on a disk: its folder and manifest, the extraction log, scripts that read it, snapshots."""
