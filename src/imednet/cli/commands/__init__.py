"""The commands, one file for each group; `imednet.cli.app` puts them together."""
