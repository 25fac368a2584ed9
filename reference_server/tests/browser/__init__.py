"""Tests in a real browser; a package, so that its Chromium ends with it and leaves no event loop to other tests."""
