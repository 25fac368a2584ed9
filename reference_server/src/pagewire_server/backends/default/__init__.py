"""The backend on `websockets`: a server of its own, on one port."""
