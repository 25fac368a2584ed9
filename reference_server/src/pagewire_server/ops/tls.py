"""A certificate and its key, from files, as what a server needs for TLS."""

from __future__ import annotations

import ssl
from pathlib import Path


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context for `Options.tls`, of TLS 1.2 or newer; ValueError says which file is wrong, and how.

    Both are in PEM: the certificate followed by those that lead to its root, the key without a password.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _check_readable(certificate)
    _check_readable(key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(certificate)
    except ssl.SSLError:
        raise ValueError(f"{certificate} has no certificate in PEM") from None
    try:
        # Without a password of ours the library would ask for one at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"{key} is not the key of the certificate in {certificate}") from None
        raise ValueError(f"{key} has no private key in PEM, or one with a password") from None
    return context


def _check_readable(file: Path) -> None:
    try:
        with file.open("rb"):
            return
    except OSError as error:
        raise ValueError(f"{file} can't be read: {error.strerror}") from None
