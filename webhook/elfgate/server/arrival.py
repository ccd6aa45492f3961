"""When a request came: the kernel has it, and its client waits, before the event loop comes to it.

Source: tcp(7), ``struct tcp_info`` of linux/tcp.h: eight bytes, then fields of four;
``tcpi_last_data_recv`` is the twelfth of them, the milliseconds since the last data came.
"""

import socket
import struct

_LAST_DATA = struct.Struct("=52xI")
_TCP_INFO = getattr(socket, "TCP_INFO", None)


def waited(connection: socket.socket) -> float:
    """The seconds since the kernel got a connection's last data; 0 if the system does not tell."""
    if _TCP_INFO is None:
        return 0.0
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _LAST_DATA.size)
        (milliseconds,) = _LAST_DATA.unpack(info)
    except (OSError, struct.error):
        return 0.0
    return float(milliseconds) / 1000
