"""From the bytes of a response to rows, decoded once: `fast` by msgspec, `exact` for everything else."""
