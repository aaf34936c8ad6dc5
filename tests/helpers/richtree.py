#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""richtree.py UPPER FIRST: fills an instance's upper directory with all that one can hold. FIRST is the first id of its
range."""
import os
import socket
import stat
import struct
import sys

UPPER, FIRST = os.fsencode(sys.argv[1]), int(sys.argv[2])


def at(name):
    return os.path.join(UPPER, name if isinstance(name, bytes) else os.fsencode(name))


def done(name, mode=None, uid=0, gid=0, ns=1_234_567_890_123_456_789):
    os.chown(at(name), FIRST + uid, FIRST + gid, follow_symlinks=False)
    if mode is not None:
        os.chmod(at(name), mode)
    os.utime(at(name), ns=(ns, ns), follow_symlinks=False)


def file(name, content=b"", mode=0o644, **more):
    with open(at(name), "wb") as f:
        f.write(content)
    done(name, mode, **more)


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


def directory(name, mode=0o755, **more):
    os.mkdir(at(name))
    done(name, mode, **more)


UNSET = 0xffffffff
ACL = acl((1, 6, UNSET), (2, 7, FIRST + 33), (2, 4, FIRST + 1000), (4, 4, UNSET), (8, 5, FIRST + 50), (16, 7, UNSET),
          (32, 4, UNSET))

directory("rich")
file("rich/plain", b"text\n", uid=33, gid=44)
file("rich/empty", b"", 0o000)
file("rich/setuid", b"x", 0o4755)
file("rich/setgid", b"x", 0o2711, uid=65535, gid=65534)
directory("rich/sticky", 0o3777, uid=1000)
file("rich/old", b"1", ns=-1_000_000_000)
file("rich/new", b"1", ns=7_258_118_400_000_000_001)
file("rich/\u00e4\u0301", b"unicode")
file(b"rich/\xff\xfe\n\t*", b"no unicode")
file("rich/" + "n" * 255, b"long")
file("rich/.wh.plain", b"a name like any other")
file("rich/.wh..wh..opq", b"and this")
os.symlink("plain", at("rich/link"))
done("rich/link", uid=5)
os.symlink("t" * 4000, at("rich/longlink"))
done("rich/longlink")
deep = "rich"
for i in range(15):
    deep += "/" + "d" * 200
    directory(deep)
file(deep + "/file", b"deep")

# Hard links, of whatever can have them.
for name in ("plain", "link"):
    os.link(at("rich/" + name), at("rich/" + name + ".again"), follow_symlinks=False)
os.mkfifo(at("rich/fifo"))
done("rich/fifo", 0o640, uid=7)
os.link(at("rich/fifo"), at("rich/sticky/fifo"))
done("rich/sticky", 0o3777, uid=1000)
s = socket.socket(socket.AF_UNIX)
here = os.getcwd()
os.chdir(at("rich"))
s.bind("socket")
os.chdir(here)
done("rich/socket", 0o600, uid=9)
os.mknod(at("rich/null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
done("rich/null", 0o666)

# Holes: in between, at the end, nothing but.
with open(at("rich/sparse"), "wb") as f:
    for i in range(40):
        os.pwrite(f.fileno(), b"data%d" % i, i * (1 << 20) + 777)
    f.truncate(1 << 27)
done("rich/sparse")
with open(at("rich/hole"), "wb") as f:
    f.truncate((1 << 26) + 1)
done("rich/hole")
file("rich/large", bytes(range(256)) * 12345)

# Attributes.
file("rich/attributes", b"a")
os.setxattr(at("rich/attributes"), "user.one", b"1\0\xff")
os.setxattr(at("rich/attributes"), "user.empty", b"")
os.setxattr(at("rich/attributes"), "user.large", b"v" * 2000)
os.setxattr(at("rich/attributes"), "system.posix_acl_access", ACL)
done("rich/attributes")
directory("rich/acl")
file("rich/acl/inside", b"made before the default")
os.setxattr(at("rich/acl"), "system.posix_acl_default", ACL)
os.setxattr(at("rich/acl"), "user.dir", b"d")
done("rich/acl")
file("rich/caps", b"p", 0o755)
os.setxattr(at("rich/caps"), "security.capability", struct.pack("<IIIIII", 0x03000001, 1 << 13, 0, 0, 0, FIRST))
os.utime(at("rich/caps"), ns=(1, 1)) # a chown would take it away

# What overlayfs has to say.
directory("etc2")
os.mknod(at("etc2/gone"), stat.S_IFCHR, 0)
done("etc2")
os.makedirs(at("home/opaque"))
os.setxattr(at("home/opaque"), "trusted.overlay.opaque", b"y")
done("home/opaque", 0o700)
done("home")
done("rich")
os.chmod(UPPER, 0o751)
os.utime(UPPER, ns=(3_000_000_001, 3_000_000_001))
