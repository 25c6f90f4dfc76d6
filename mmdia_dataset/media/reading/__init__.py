"""A recording opened and its packets read, with every doubt about their times."""
