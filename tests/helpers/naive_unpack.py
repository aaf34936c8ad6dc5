#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""naive_unpack.py DIR < ARCHIVE: unpacks as one would without thinking of enemies: names are joined to
DIR, the kernel resolves them, links are made as they come, metadata follows them. The positive control of
the import tests: an archive that is meant to escape has to escape from this, or the test is vacuous."""
import os
import sys


def text(field):
    return field.split(b"\0", 1)[0]


def records(body):
    out = {}
    while body:
        n = int(body.split(b" ", 1)[0])
        key, value = body[:n - 1].split(b" ", 1)[1].split(b"=", 1)
        out[key] = value
        body = body[n:]
    return out


def make(path, kind, data, link, root, mode, uid):
    parent = os.path.dirname(path.rstrip(b"/"))
    os.makedirs(parent, exist_ok=True)
    if kind == b"5":
        os.makedirs(path, exist_ok=True)
    elif kind == b"2":
        if os.path.isdir(path):
            os.rmdir(path) if not os.listdir(path) else os.rename(path, path + b".old")
        os.symlink(link, path)
        return
    elif kind == b"1":
        os.link(os.path.join(root, link), path)
        return
    elif kind == b"6":
        os.mkfifo(path)
    else:
        with open(path, "wb") as f:
            f.write(data)
    os.chmod(path, mode)
    os.chown(path, uid, uid)


def main():
    root = os.fsencode(sys.argv[1])
    archive = sys.stdin.buffer
    name = None
    while len(h := archive.read(512)) == 512 and h.strip(b"\0"):
        size = int(text(h[124:136]) or b"0", 8)
        data = archive.read((size + 511) // 512 * 512)[:size]
        kind = h[156:157]
        if kind == b"L":
            name = text(data)
            continue
        if kind in b"xg":
            name = records(data).get(b"path", name)
            continue
        prefix = text(h[345:500])
        own = (prefix + b"/" if prefix else b"") + text(h[0:100])
        path = os.path.join(root, name or own)
        name = None
        try:
            make(path, kind, data, text(h[157:257]), root, int(text(h[100:108]), 8), 7)
        except OSError:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
