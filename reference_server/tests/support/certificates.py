"""Certificates that the tests sign themselves."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from live_server import PATIENCE


@dataclass(frozen=True)
class Pair:
    """A certificate of 127.0.0.1 that signs itself, and its key."""

    certificate: Path
    key: Path

    def trusted(self) -> ssl.SSLContext:
        """Return what a client needs that trusts it."""
        return ssl.create_default_context(cafile=str(self.certificate))


def make_pair(folder: Path, *options: str) -> Pair:
    """Make one with the openssl command."""
    pair = Pair(folder / "cert.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-out", str(pair.certificate), "-keyout", str(pair.key), *(options or ("-nodes",))]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    return pair
