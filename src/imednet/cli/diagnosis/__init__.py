"""What `imednet doctor` looks at, one file an area; each gives findings and changes nothing."""
