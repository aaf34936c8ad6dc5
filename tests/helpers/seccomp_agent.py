#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""seccomp_agent.py SOCKET DIRECTORY: a seccomp agent. Of each connection it writes the message, the container process state,
to DIRECTORY/state and the number of descriptors to DIRECTORY/fds, and has every call that it is asked about fail with 55."""

import fcntl
import json
import os
import select
import socket
import struct
import sys

RECV, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_*: struct seccomp_notif has 80 bytes, _resp 24

path, directory = sys.argv[1:]
server = socket.socket(socket.AF_UNIX)
server.bind(path + ".new")
server.listen(8)
os.rename(path + ".new", path)  # one that is there takes connections


def whole(message):
    try:
        return bool(json.loads(message))
    except ValueError:
        return False


def take(connection):
    """The state, as soon as it is whole (the sender may keep the connection), and the descriptors."""
    message, fds = b"", []
    while not whole(message):
        part, more, _, _ = socket.recv_fds(connection, 65536, 8)
        fds += more
        if not part:
            break
        message += part
    with open(directory + "/fds", "w") as file:
        file.write("%d\n" % len(fds))
    with open(directory + "/state.new", "wb") as file:
        file.write(message)
    os.rename(directory + "/state.new", directory + "/state")
    return fds


def answer(fd):
    """One call; a process that has been killed meanwhile is no error."""
    try:
        request = fcntl.ioctl(fd, RECV, b"\0" * 80)
        fcntl.ioctl(fd, SEND, struct.pack("=QqiI", struct.unpack_from("=Q", request)[0], 0, -55, 0))
    except OSError:
        return False
    return True


poll = select.poll()
poll.register(server, select.POLLIN)
while True:
    for fd, event in poll.poll():
        if fd == server.fileno():
            for new in take(server.accept()[0]):
                poll.register(new, select.POLLIN)
        elif event & select.POLLHUP or not answer(fd):
            poll.unregister(fd)
            os.close(fd)
