"""Running sessions: apps in threads and coroutines, what their calls return, how they end."""
