"""The demo: apps that take a visitor through all that a program can do to a page."""

from pagewire_server.apps.running import App
from pagewire_server.demo.index_app import run_index
from pagewire_server.demo.second_app import run_second

__all__ = ["demo_apps"]


def demo_apps() -> dict[str, App]:
    """Return the demo's apps, to be served with the client's folder `demo` as `static`."""
    return {"index": run_index, "second": run_second}
