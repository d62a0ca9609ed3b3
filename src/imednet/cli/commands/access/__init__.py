"""Commands about the way to a server: keys and profiles, single requests, what a machine has and what a tenant does."""
