"""What is invented: the design, people, records and answers, all drawn from one seed."""
