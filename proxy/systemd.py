"""What the service manager is told: sd_notify(3), the few lines of it that we need."""

import os
import socket
import time
from collections.abc import Mapping
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"


def reloading() -> str:
    """That a reload has begun; READY ends it.  The clock's reading is asked for by `Type=notify-reload`."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1_000}"


def notify(state: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send a state to the service manager, if one listens ($NOTIFY_SOCKET).  Never fails: say whether it was sent."""
    name = environ.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.connect("\0" + name[1:] if name[0] == "@" else name)
            manager.sendall(state.encode())
    except OSError:
        return False
    return True
