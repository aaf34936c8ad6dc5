#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""console.py SOCKET DIRECTORY: an engine's end of --console-socket and --pidfd-socket. Takes one message with a descriptor, writes
what it was like to DIRECTORY/how, what the terminal says to DIRECTORY/tty, and types what is appended to DIRECTORY/in."""

import fcntl
import os
import select
import socket
import sys

TIOCGPTN = 0x80045430  # only a master answers it

path, directory = sys.argv[1:]
server = socket.socket(socket.AF_UNIX)
server.bind(path + ".new")
server.listen(1)
os.rename(path + ".new", path)  # one that is there takes connections
connection, _ = server.accept()
name, fds, _, _ = socket.recv_fds(connection, 4096, 8)
tty = open(directory + "/tty", "wb", buffering=0)
try:
    fcntl.ioctl(fds[0], TIOCGPTN, b"\0" * 4)
    master = "yes"
except OSError:
    master = "no"
with open("/proc/self/fdinfo/%d" % fds[0]) as info:
    pid = "yes" if "\nPid:" in info.read() else "no"
with open(directory + "/how.new", "w") as how:
    how.write("fds %d\nname %s\nmaster %s\npid %s\n" % (len(fds), name.decode(), master, pid))
os.rename(directory + "/how.new", directory + "/how")

typed = 0
while True:
    ready, _, _ = select.select([fds[0]], [], [], 0.05)
    with open(directory + "/in", "rb") as source:
        source.seek(typed)
        text = source.read()
    if text:
        os.write(fds[0], text)
        typed += len(text)
    if ready:
        try:
            data = os.read(fds[0], 4096)
        except OSError:  # EIO: nobody has the other end
            break
        tty.write(data)
