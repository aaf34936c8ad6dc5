#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""answer.py PORT [udp|sctp]: tells whoever asks, over both families, which address it has seen. Prints "ready" first."""
import socket
import sys

udp = sys.argv[2:] == ['udp']
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM,
                     socket.IPPROTO_SCTP if sys.argv[2:] == ['sctp'] else 0)
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(('::', int(sys.argv[1])))
if not udp:
    sock.listen(64)
print('ready', flush=True)


def text(peer):
    address = peer[0].split('%')[0]
    return (address[7:] if address.startswith('::ffff:') else address).encode() + b'\n'


while True:
    if udp:
        _, peer = sock.recvfrom(65536)
        sock.sendto(text(peer), peer)
        continue
    connection, peer = sock.accept()
    try:
        connection.sendall(text(peer))
    except OSError:
        pass
    connection.close()
