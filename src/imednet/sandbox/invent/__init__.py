"""The content of the invented study: its design, sites, subjects, records and answers, all drawn from one seed."""
