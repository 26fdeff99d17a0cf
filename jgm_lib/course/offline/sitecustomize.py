"""Loaded at the start of a proof run: refuse every connection that leaves this machine.

An audit hook cannot be taken off again, and it holds in subprocesses too, which inherit the path.
It sees Python's sockets; native code is caught by the network namespace, where there is one.
"""

import sys

ADDRESS = ("socket.connect", "socket.sendto", "socket.sendmsg")
HOST = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


def _is_local(host) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in (None, "", "localhost", "::1", "0.0.0.0", "::") or str(name).startswith("127.")


def _guard(event, arguments):
    if event in ADDRESS:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a path: unix socket
    elif event in HOST:
        host = arguments[0]
    else:
        return
    if not _is_local(host):
        raise OSError(f"network blocked: lessons run offline, but this one asked for {host}")


sys.addaudithook(_guard)
