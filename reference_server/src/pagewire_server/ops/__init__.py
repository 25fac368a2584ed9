"""Running a server in production: logs, metrics, draining, TLS."""
