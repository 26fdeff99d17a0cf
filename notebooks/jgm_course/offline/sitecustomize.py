"""Loaded at the start of a proof run: refuse every connection that leaves this machine.

It holds in subprocesses too, which inherit the path. It replaces Python's socket class (an audit
hook would be called for every event of every library and makes training several times slower);
native code is caught by the network namespace, where there is one.
"""

import socket


def _is_local(host) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in (None, "", "localhost", "::1", "0.0.0.0", "::") or str(name).startswith("127.")


def _check(host) -> None:
    if not _is_local(host):
        raise OSError(f"network blocked: lessons run offline, but this one asked for {host}")


def _check_address(address) -> None:
    if isinstance(address, tuple):  # a path is a unix socket
        _check(address[0])


class Guarded(socket.socket):
    """A socket that stays on this machine."""

    def connect(self, address):
        _check_address(address)
        return super().connect(address)

    def connect_ex(self, address):
        _check_address(address)
        return super().connect_ex(address)

    def sendto(self, data, *rest):
        _check_address(rest[-1])
        return super().sendto(data, *rest)

    def sendmsg(self, buffers, ancdata=(), flags=0, address=None):
        _check_address(address)
        arguments = (
            (buffers, ancdata, flags) if address is None else (buffers, ancdata, flags, address)
        )
        return super().sendmsg(*arguments)


def _guarded(lookup):
    def guard(host, *rest, **options):
        _check(host)
        return lookup(host, *rest, **options)

    return guard


socket.socket = socket.SocketType = Guarded
for _name in ("getaddrinfo", "gethostbyname", "gethostbyaddr"):
    setattr(socket, _name, _guarded(getattr(socket, _name)))
