#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""treecmp.py A B: compares two trees: type, mode, owner, mtime, size, content, symlink target,
device number, extended attributes, hard link groups, holes. Prints each difference; status 1 if any.
"""
import hashlib
import os
import stat
import sys


def content(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


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
    return out


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
    a, b = walk(sys.argv[1]), walk(sys.argv[2])
    bad = 0
    for rel in sorted(set(a) | set(b)):
        if rel not in a or rel not in b:
            print(os.fsdecode(rel), "only in", sys.argv[1] if rel in a else sys.argv[2])
            bad += 1
            continue
        for key in a[rel]:
            if a[rel][key] != b[rel].get(key):
                print(os.fsdecode(rel), key, a[rel][key], b[rel].get(key))
                bad += 1
    print(len(a), "files,", bad, "differences")
    return 1 if bad or len(a) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
