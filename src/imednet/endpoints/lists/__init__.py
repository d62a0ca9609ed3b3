"""What every list shares: the calls of an endpoint, the decisions behind them, and their typed filters."""
