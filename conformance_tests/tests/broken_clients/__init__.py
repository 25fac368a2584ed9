"""A correct client, and one subclass of it for each defect that the suite must catch."""
