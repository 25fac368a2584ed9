"""Several servers of Pagewire behind nginx, by one command; Ctrl-C stops them all.

python reference_server/examples/load_balanced/run.py [--servers 3] [--port 8080] [--app MODULE:APP]
    [--allow-host NAME ...]
"""

from __future__ import annotations

import argparse
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

FOLDER = Path(__file__).parent
SBIN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
SERVER = [sys.executable, "-m", "pagewire_server", "run", "--port", "0", "--trusted-proxy", "127.0.0.1"]
STOP_SECONDS = 15.0


def main() -> int:
    """Run them until Ctrl-C or SIGTERM; returns 0, or 1 if nginx is missing or ends by itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=3, help="how many (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="of nginx; 0 finds one (default: %(default)s)")
    parser.add_argument("--app", metavar="MODULE:APP", help="one of yours, in the current folder")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="by which name users reach nginx"
    )
    options = parser.parse_args()
    nginx = shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), *SBIN)))
    if nginx is None:
        print("nginx is missing: `apt-get install nginx-light`, or `brew install nginx`", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(nginx, options.port or free_port(), options.servers, options.app, options.allow_host)
    except KeyboardInterrupt:
        print("stopped", flush=True)
        return 0


def run(nginx: str, port: int, servers: int, app: str | None, hosts: list[str]) -> int:
    """Run nginx before so many servers of `app`, or of the example's, until it ends; return 1."""
    allowed = [f"--allow-host={host}" for host in hosts]
    command, folder = [*SERVER, *allowed, app or "app:main"], Path.cwd() if app else FOLDER
    with ExitStack() as stack:
        prefix = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pagewire-nginx-")))
        processes = [stack.enter_context(running(command, folder, stdout=subprocess.PIPE)) for _ in range(servers)]
        ports = [port_of(process) for process in processes]
        for process, server_port in zip(processes, ports, strict=True):
            print(f"server: http://127.0.0.1:{server_port}/ (process {process.pid})", flush=True)
        config = prefix / "nginx.conf"
        config.write_text(configuration(port, ports), encoding="utf-8")
        balancer = stack.enter_context(running([nginx, "-p", str(prefix), "-e", "stderr", "-c", str(config)], prefix))
        wait_until_it_listens(port, balancer)
        print(f"nginx: http://127.0.0.1:{port}/ (process {balancer.pid}), in {prefix} - Ctrl-C stops all", flush=True)
        print(f"nginx ended by itself, with {balancer.wait()}", file=sys.stderr)
        return 1


def configuration(port: int, server_ports: list[int]) -> str:
    """Return nginx.conf for a port and the ports of the servers."""
    servers = "\n        ".join(f"server 127.0.0.1:{server} max_fails=0;" for server in server_ports)
    text = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    for name, value in (("@USER@", user_line()), ("@SERVERS@", servers), ("@LISTEN@", f"127.0.0.1:{port}")):
        text = text.replace(name, value)
    return text


def user_line() -> str:
    """Return the line that keeps nginx's workers in the same account where root runs it; else none is allowed."""
    if os.geteuid() != 0:
        return ""
    return f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(os.getegid()).gr_name};"


def port_of(server: subprocess.Popen[str]) -> int:
    """Wait until a server listens; return its port. SystemExit if it ends instead."""
    line = server.stdout.readline() if server.stdout else ""
    if "http://" not in line:
        raise SystemExit("a server could not be started; see above")
    return int(line.split(":")[2].split("/")[0])


@contextmanager
def running(command: list[str], folder: Path, *, stdout: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a command in `folder` until the block ends; Ctrl-C reaches only this program."""
    process = subprocess.Popen(command, cwd=folder, stdout=stdout, text=True, start_new_session=True)  # noqa: S603 - its words are ours
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.stdout:
            process.stdout.close()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def wait_until_it_listens(port: int, process: subprocess.Popen[str]) -> None:
    """Return once connections to `port` are taken; SystemExit if `process` has ended before."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"nginx could not be started on port {port}; see above")


if __name__ == "__main__":
    sys.exit(main())
