#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""treecmp.py [--inside] A B: compares two trees: type, mode, owner, mtime, size, content, symlink target,
device number, extended attributes, hard link groups, holes. Prints each difference; status 1 if any.

--inside: the upper directories of two instances, as these see them: owners (those in ACLs too) count from the
beginning of each one's range, file capabilities are its own root's, of overlayfs's attributes only those that hide
something count, and of whiteouts that they are there.
"""
import hashlib
import os
import stat
import struct
import sys

RANGE = 65536
INSIDE = sys.argv[1] == "--inside"
A, B = sys.argv[1 + INSIDE:]


def content(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def xattr_inside(name, value):
    if name.startswith("system.posix_acl_"):
        entries = [struct.unpack_from("<HHI", value, at) for at in range(4, len(value), 8)]
        return [(tag, perm, uid % RANGE if tag in (2, 8) else None) for tag, perm, uid in entries]
    if name == "security.capability":
        return struct.unpack_from("<I", value)[0] & 1, value[4:20], len(value)
    return value


def inside(out):
    """As the instance sees it."""
    out["owner"] = tuple(i % RANGE for i in out["owner"])
    out["xattrs"] = {k: xattr_inside(k, v) for k, v in out["xattrs"].items()
                     if not k.startswith("trusted.") or k == "trusted.overlay.opaque"}
    if out["type"] == stat.S_IFCHR and out["device"] == 0:
        return {"type": "whiteout"}
    return out


def describe(path, inodes, rel):
    st = os.lstat(path)
    out = {
        "type": stat.S_IFMT(st.st_mode),
        "mode": stat.S_IMODE(st.st_mode),
        "owner": (st.st_uid, st.st_gid),
        "mtime": st.st_mtime_ns,
        "xattrs": {k: os.getxattr(path, k, follow_symlinks=False)
                   for k in sorted(os.listxattr(path, follow_symlinks=False))},
    }
    if stat.S_ISREG(st.st_mode):
        out["size"] = st.st_size
        out["nlink"] = st.st_nlink
        out["first link"] = inodes.setdefault(st.st_ino, rel)
        out["sparse"] = st.st_blocks * 512 < st.st_size // 2
        out["content"] = content(path)
    elif stat.S_ISLNK(st.st_mode):
        out["target"] = os.readlink(path)
    elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        out["device"] = st.st_rdev
    return inside(out) if INSIDE else out


def walk(root):
    root = os.fsencode(root)
    inodes, found = {}, {}
    todo = [b""]
    while todo:
        rel = todo.pop()
        path = os.path.join(root, rel) if rel else root
        found[rel or b"."] = describe(path, inodes, rel)
        if stat.S_ISDIR(os.lstat(path).st_mode):
            todo += [os.path.join(rel, n) for n in sorted(os.listdir(path), reverse=True)]
    return found


def main():
    a, b = walk(A), walk(B)
    bad = 0
    for rel in sorted(set(a) | set(b)):
        if rel not in a or rel not in b:
            print(os.fsdecode(rel), "only in", A if rel in a else B)
            bad += 1
            continue
        for key in sorted(set(a[rel]) | set(b[rel])):
            if a[rel].get(key) != b[rel].get(key):
                print(os.fsdecode(rel), key, a[rel].get(key), b[rel].get(key))
                bad += 1
    print(len(a), "files,", bad, "differences")
    return 1 if bad or len(a) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
