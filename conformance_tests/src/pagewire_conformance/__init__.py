"""The conformance suite. It is not written yet: the package holds its place among the import contracts."""
