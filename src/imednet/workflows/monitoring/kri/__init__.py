"""Key risk indicators: scores of sites and countries, flags, funnel lines, and what changed since the last run."""
