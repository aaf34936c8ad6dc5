#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mkexport.py edit IN OUT SCRIPT [ARG...]: takes the file of a `jail export` apart, lets SCRIPT (Python) change what it
is made of, and puts it together again with sums that are right for what it is then. SCRIPT sees

    doc, spec, image           the documents, parsed
    parts                      {"layers/HEX" | "snapshots/N" | "upper": bytes}, uncompressed, in order
    members                    None, or a list of (name, bytes) to write instead of all this
    sums                       None, or what sums.json is to be
    header, entry, pax         of mktar.py
    tail                       bytes that follow the end
    ARGS                       what follows the script

mkexport.py offsets IN         NAME START END of the content of each member
"""
import hashlib
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
BLOCK = 512
PIECE = 1 << 20


def octal(value, n):
    return (b"%0*o" % (n - 1, value)) + b"\0"


def head(name, size):
    """A header as `jail export` writes it."""
    h = bytearray(BLOCK)
    h[0:len(name)] = name
    h[100:107] = b"0000644"
    h[108:115] = h[116:123] = h[329:336] = h[337:344] = b"0000000"
    h[124:136] = octal(size, 12)
    h[136:147] = b"0" * 11
    h[156:157] = b"0"
    h[257:265] = b"ustar\0" b"00"
    h[148:156] = b" " * 8
    h[148:155] = b"%06o\0" % sum(h)
    return bytes(h)


def read(path):
    """Its members: name, offset, content."""
    data = open(path, "rb").read()
    at = 0
    while any(data[at:at + BLOCK]):
        name = data[at:at + 100].rstrip(b"\0").decode()
        size = int(data[at + 124:at + 135], 8)
        yield name, at + BLOCK, data[at + BLOCK:at + BLOCK + size]
        at += BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK


def unpack(data):
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def sum_of(name, data):
    return {"name": name, "bytes": len(data), "digest": "sha256:" + hashlib.sha256(data).hexdigest()}


def text(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def edit(source, to, script, args):
    import mktar
    texts, parts = {}, {}
    for name, _, content in read(source):
        if name.endswith(".json"):
            texts[name] = content
        else:
            part = name.rsplit("/", 1)[0]
            parts[part] = parts.get(part, b"") + content
    env = {"doc": json.loads(texts["jail-export.json"]), "spec": json.loads(texts["spec.json"]),
           "image": json.loads(texts["image.json"]) if "image.json" in texts else None,
           "parts": {name: unpack(data) for name, data in parts.items()}, "members": None, "sums": None, "tail": b"",
           "header": mktar.header, "entry": mktar.entry, "pax": mktar.pax, "ARGS": args, "json": json}
    exec(script, env)
    write(to, env, texts.get("image.json"))


def write(to, env, image):
    # The image's config is named by its bytes: unchanged, it stays as it was.
    same = image is not None and env["image"] == json.loads(image)
    sums = [sum_of("jail-export.json", text(env["doc"])), sum_of("spec.json", text(env["spec"]))]
    members = [("jail-export.json", text(env["doc"])), ("spec.json", text(env["spec"]))]
    if env["image"] is not None:
        members.append(("image.json", image if same else text(env["image"])))
        sums.append(sum_of(*members[-1]))
    for part, data in env["parts"].items():
        members += [("%s/%06d" % (part, i), data[at:at + PIECE])
                    for i, at in enumerate(range(0, max(len(data), 1), PIECE))]
        sums.append(sum_of(part, data))
    members.append(("sums.json", text(sums if env["sums"] is None else env["sums"])))
    with open(to, "wb") as f:
        for name, data in members if env["members"] is None else env["members"]:
            f.write(head(name.encode(), len(data)) + data + b"\0" * (-len(data) % BLOCK))
        f.write(b"\0" * 2 * BLOCK + env["tail"])


if __name__ == "__main__":
    if sys.argv[1] == "edit":
        edit(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
    else:
        for n, start, c in read(sys.argv[2]):
            print(n, start, start + len(c))
