"""`python -m imednet`, the same as the command `imednet`."""

from .cli import main

main()
