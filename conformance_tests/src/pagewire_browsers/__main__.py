"""Prints the path of a Chromium; exits with 1 if there is none."""

from __future__ import annotations

import sys

from pagewire_browsers import find_browser

if __name__ == "__main__":
    browser = find_browser()
    sys.stdout.write(f"{browser or ''}\n")
    sys.exit(browser is None)
