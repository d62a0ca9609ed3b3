"""The server: how requests are answered, filtered lists, writes and jobs, switches, and faults."""
