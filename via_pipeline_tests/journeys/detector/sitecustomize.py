"""Logs every connection and name look-up that a Python process tries. Loaded by Python itself.

Put this folder on PYTHONPATH and name a file in VIA_TEST_CONNECTIONS. Sockets of the machine itself
(a path instead of an address) are not logged.
"""

import os
import sys

_LOG = os.environ.get("VIA_TEST_CONNECTIONS")
_EVENTS = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}


def _watch(event, arguments):
    if event not in _EVENTS:
        return
    address = arguments[0] if isinstance(arguments[0], (str, bytes)) else arguments[-1]
    if event in ("socket.connect", "socket.sendto") and isinstance(address, (str, bytes)):
        return
    descriptor = os.open(_LOG, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, f"{os.getpid()} {event} {address!r}\n".encode())
    os.close(descriptor)


if _LOG:
    sys.addaudithook(_watch)
