"""The ways to run the client under test: as a process, as a page in a browser, or by somebody else."""
