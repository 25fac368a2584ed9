"""The program of the README: a title, a value from the page, a file.

pagewire-server run report:main        # in this folder
python report.py
"""

from __future__ import annotations

from pagewire_server import serve
from pagewire_server.session import download, eval_js, run_js, set_env


def main() -> None:
    """Tell the user the width of the window, and give it as a file."""
    set_env(title="Report")
    width = eval_js("window.innerWidth * scale", scale=2)
    run_js("document.querySelector('#pagewire-output').append(text)", text=f"{width // 2} px wide")
    download("report.csv", b"width\n%d\n" % width)


async def other() -> None:
    """Do the like in a coroutine."""
    title = await eval_js("document.title")
    run_js("document.querySelector('#pagewire-output').append(text)", text=f"called {title}")


if __name__ == "__main__":
    serve({"index": main, "other": other}, port=8080)
