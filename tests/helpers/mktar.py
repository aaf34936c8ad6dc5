#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes archives that no honest tar writes, header by header, without a sanitising library.

    mktar.py list                  one line per case: NAME <tab> VERDICT <tab> CONTROL <tab> PATTERN
    mktar.py make NAME CANARY      the archive on stdout; CANARY is a directory outside the image

VERDICT: "refuse" (the import must fail and its error match PATTERN), "accept" (it must succeed).
CONTROL: "escape" when an unpacker that takes names as they come touches the canary with this
archive, "-" when the danger is of another kind. Row numbers are those of the security notes.
"""
import sys

BLOCK = 512


def octal(value, n):
    return (b"%0*o" % (n - 1, value)) + b"\0"


def base256(value, n):
    return bytes([0x80]) + value.to_bytes(n - 1, "big")


def header(name=b"f", kind=b"0", size=0, link=b"", mode=0o644, uid=0, gid=0, mtime=1000000000,
           magic=b"ustar\0" b"00", prefix=b"", dev=(0, 0), size_field=None, tail=None):
    h = bytearray(BLOCK)
    h[0:len(name[:100])] = name[:100]
    h[100:108] = octal(mode, 8)
    h[108:116] = octal(uid, 8)
    h[116:124] = octal(gid, 8)
    h[124:136] = size_field if size_field is not None else octal(size, 12)
    h[136:148] = octal(mtime, 12)
    h[148:156] = b" " * 8
    h[156:157] = kind
    h[157:157 + len(link[:100])] = link[:100]
    h[257:265] = magic
    h[329:337] = octal(dev[0], 8)
    h[337:345] = octal(dev[1], 8)
    h[345:345 + len(prefix[:155])] = prefix[:155]
    if tail:
        at, data = tail
        h[at:at + len(data)] = data
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h)


def padded(data):
    return data + b"\0" * (-len(data) % BLOCK)


def entry(name, kind=b"0", data=b"", **kw):
    return header(name, kind, size=len(data), **kw) + padded(data)


def record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    n = len(body)
    while len(b"%d" % n) + len(body) != n:
        n = len(b"%d" % n) + len(body)
    return b"%d" % n + body


def pax(*records, kind=b"x"):
    return entry(b"PaxHeaders/x", kind, b"".join(record(k, v) for k, v in records))


def gnu_long(kind, text):
    return entry(b"././@LongLink", kind, text + b"\0", magic=b"ustar  \0")


def end(*parts):
    return b"".join(parts) + b"\0" * (2 * BLOCK)


def d(name, **kw):
    kw.setdefault("mode", 0o755)
    return entry(name, b"5", **kw)


def sym(name, target, **kw):
    return entry(name, b"2", link=target, **kw)


def hard(name, target, **kw):
    return entry(name, b"1", link=target, **kw)


CASES = {}


def simple(name, verdict, pattern, control, build):
    CASES[name] = (verdict, control, pattern, build)


# Row 33: names. Each three ways: ustar, GNU long name, pax path.
NAMES = {
    "dotdot": (lambda c: b"../" + c.rsplit(b"/", 1)[1] + b"/new", r'"\.\."', "escape"),
    "absolute": (lambda c: c + b"/new", "absolute", "escape"),
    "inner-dotdot": (lambda c: b"a/../../" + c.rsplit(b"/", 1)[1] + b"/new", r'"\.\."', "-"),
    "deep-dotdot": (lambda c: b"a/b/../../../" + c.rsplit(b"/", 1)[1] + b"/new", r'"\.\."', "-"),
    "dot-dotdot": (lambda c: b"./../" + c.rsplit(b"/", 1)[1] + b"/new", r'"\.\."', "escape"),
    "harmless-dotdot": (lambda c: b"a/../b", r'"\.\."', "-"),
    "final-dotdot": (lambda c: b"a/..", r'"\.\."', "-"),
    "slash": (lambda c: b"/", "absolute", "-"),
    "slash-dot": (lambda c: b"/.", "absolute", "-"),
    "whiteout": (lambda c: b"d/.wh.f", "whiteout", "-"),
    "whiteout-dot": (lambda c: b".wh..", "whiteout", "-"),
    "whiteout-dotdot": (lambda c: b"a/.wh...", "whiteout", "-"),
    "whiteout-empty": (lambda c: b".wh.", "whiteout", "-"),
    "whiteout-dir": (lambda c: b".wh./x", "whiteout", "-"),
    "whiteout-opaque": (lambda c: b".wh..wh..opq", "whiteout", "-"),
    "whiteout-plink": (lambda c: b".wh..wh.plnk/1.2", "whiteout", "-"),
    "long-component": (lambda c: b"x" * 300, "component of 300 bytes", "-"),
}
for key, (text, why, twin) in NAMES.items():
    if key != "long-component":
        simple("name-ustar-" + key, "refuse", why, twin,
               lambda c, t=text: end(entry(t(c), data=b"new")))
    simple("name-gnu-" + key, "refuse", why, twin,
           lambda c, t=text: end(gnu_long(b"L", t(c)), entry(b"x", data=b"new",
                                                             magic=b"ustar  \0")))
    simple("name-pax-" + key, "refuse", why, twin,
           lambda c, t=text: end(pax((b"path", t(c))), entry(b"x", data=b"new")))

simple("name-ustar-prefix", "refuse", r'"\.\."', "-",
       lambda c: end(entry(b"x/new", prefix=b"a/../..", data=b"new")))
simple("name-empty", "refuse", "name", "-", lambda c: end(entry(b"", data=b"x")))
simple("name-pax-empty", "refuse", "ambiguous", "-",
       lambda c: end(pax((b"path", b"")), entry(b"x", data=b"x")))
simple("name-pax-nul", "refuse", "ambiguous", "-",
       lambda c: end(pax((b"path", b"a\0b")), entry(b"x", data=b"x")))
simple("name-5000", "refuse", "maxName", "-",
       lambda c: end(pax((b"path", b"d/" * 2500)), entry(b"x", b"5")))
simple("name-deep", "refuse", "maxDepth", "-",
       lambda c: end(pax((b"path", b"d/" * 1000)), entry(b"x", b"5")))
simple("name-newline", "accept", "", "-", lambda c: end(entry(b"a\nb", data=b"x")))
simple("name-drive", "accept", "", "-", lambda c: end(entry(b"C:f", data=b"x")))
simple("name-bytes", "accept", "", "-",
       lambda c: end(pax((b"path", b"\xff\xfe-e\xcc\x81-\xc3\xa9")), entry(b"x", data=b"x"),
                     pax((b"path", b"e\xcc\x81")), entry(b"x", data=b"nfd"),
                     pax((b"path", b"\xc3\xa9")), entry(b"x", data=b"nfc")))

# Row 34: through a symlink.
simple("symlink-then-file", "refuse", "d is a symbolic link", "escape",
       lambda c: end(sym(b"d", c), entry(b"d/new", data=b"new")))
simple("symlink-then-overwrite", "refuse", "d is a symbolic link", "escape",
       lambda c: end(sym(b"d", c), entry(b"d/secret", data=b"gone")))
simple("symlink-then-dir", "refuse", "d is a symbolic link", "escape",
       lambda c: end(sym(b"d", c), d(b"d/new")))
simple("symlink-then-symlink", "refuse", "d is a symbolic link", "escape",
       lambda c: end(sym(b"d", c), sym(b"d/new", b"x")))
simple("symlink-then-fifo", "refuse", "d is a symbolic link", "escape",
       lambda c: end(sym(b"d", c), entry(b"d/new", b"6")))
simple("symlink-dot", "refuse", "d is a symbolic link", "-",
       lambda c: end(sym(b"d", b"."), entry(b"d/f", data=b"x")))
simple("symlink-dotdot", "refuse", "d is a symbolic link", "escape",
       lambda c: end(sym(b"d", b"../" + c.rsplit(b"/", 1)[1]), entry(b"d/new", data=b"x")))
simple("symlink-chain", "refuse", "symbolic link", "escape",
       lambda c: end(*[sym(b"l%d" % i, b"l%d" % (i + 1)) for i in range(30)],
                     sym(b"l30", c), entry(b"l0/new", data=b"x")))
simple("symlink-loop", "refuse", "symbolic link", "-",
       lambda c: end(sym(b"a", b"b"), sym(b"b", b"a"), entry(b"a/f", data=b"x")))
simple("file-over-symlink", "accept", "", "escape",
       lambda c: end(sym(b"f", c + b"/secret"), entry(b"f", data=b"mine")))
simple("dir-over-symlink", "accept", "", "escape",
       lambda c: end(sym(b"x", c), d(b"x", mode=0o700, uid=7), entry(b"x/new", data=b"x")))
simple("dir-slash-over-symlink", "accept", "", "escape",
       lambda c: end(sym(b"x", c), d(b"x/", mode=0o711, uid=7)))
simple("symlink-over-dir", "refuse", "x is a symbolic link", "escape",
       lambda c: end(d(b"x", mode=0o777), entry(b"x/a", data=b"1"), sym(b"x", c),
                     entry(b"x/new", data=b"2")))
simple("file-as-parent", "refuse", "f is not a directory", "-",
       lambda c: end(entry(b"f", data=b"x"), entry(b"f/g", data=b"x")))

# Row 35: hard links.
simple("hardlink-absolute", "refuse", "absolute", "escape",
       lambda c: end(hard(b"h", c + b"/secret"), entry(b"h", data=b"gone")))
simple("hardlink-dotdot", "refuse", r'"\.\."', "escape",
       lambda c: end(hard(b"h", b"../" + c.rsplit(b"/", 1)[1] + b"/secret")))
simple("hardlink-through-symlink", "refuse", "hard link", "escape",
       lambda c: end(sym(b"d", c), hard(b"h", b"d/secret")))
simple("hardlink-to-symlink", "refuse", "not a regular file", "-",
       lambda c: end(sym(b"s", c + b"/secret"), hard(b"h", b"s"), entry(b"h", data=b"gone")))
simple("hardlink-to-dir", "refuse", "not a regular file", "-",
       lambda c: end(d(b"d"), hard(b"h", b"d")))
simple("hardlink-to-root", "refuse", "directory", "-", lambda c: end(hard(b"h", b"./")))
simple("hardlink-missing", "refuse", "not in the archive", "-",
       lambda c: end(hard(b"h", b"nowhere")))
simple("hardlink-later", "refuse", "not in the archive", "-",
       lambda c: end(hard(b"h", b"f"), entry(b"f", data=b"x")))
simple("hardlink-with-data", "refuse", "carries data", "-",
       lambda c: end(entry(b"f", data=b"x"),
                     header(b"h", b"1", size=3, link=b"f") + padded(b"abc")))
simple("hardlink-pax-with-data", "refuse", "different sizes|carries data", "-",
       lambda c: end(entry(b"f", data=b"x"), pax((b"size", b"3")),
                     header(b"h", b"1", link=b"f") + padded(b"abc")))
simple("hardlink-itself", "accept", "", "-",
       lambda c: end(entry(b"f", data=b"x"), hard(b"f", b"f")))
simple("hardlink-then-file", "accept", "", "-",
       lambda c: end(entry(b"f", data=b"first"), hard(b"h", b"f"), entry(b"h", data=b"second")))

# Row 36: metadata that arrives late.
simple("late-dir-metadata", "accept", "", "-",
       lambda c: end(d(b"x", mode=0o777, uid=7), sym(b"x", c)))
simple("late-dir-xattr", "accept", "", "-",
       lambda c: end(pax((b"SCHILY.xattr.user.late", b"1")), d(b"x", mode=0o777), sym(b"x", c)))
simple("symlink-xattr", "accept", "", "-",
       lambda c: end(pax((b"SCHILY.xattr.user.late", b"1"),
                         (b"SCHILY.acl.access", b"user::rwx,group::rwx,other::rwx")),
                     sym(b"x", c)))

# Row 37: the root.
for label, kind, kw in (("symlink", b"2", {"link": b"/"}), ("file", b"0", {}),
                        ("device", b"3", {"dev": (1, 3)}), ("fifo", b"6", {})):
    simple("root-" + label, "refuse", "root of the image", "-",
           lambda c, k=kind, w=kw: end(entry(b"./", k, **w) if k != b"0" else
                                       pax((b"path", b".")) + entry(b"x", k)))
simple("root-dir", "accept", "", "-",
       lambda c: end(d(b"./", mode=0o777, uid=5), entry(b"f", data=b"x")))

# Rows 39, 40: what the kernel would obey.
simple("overlay-xattrs", "accept", "", "-",
       lambda c: end(pax((b"SCHILY.xattr.trusted.overlay.redirect", b"/private"),
                         (b"SCHILY.xattr.trusted.overlay.opaque", b"y"),
                         (b"SCHILY.xattr.user.kept", b"1"),
                         (b"SCHILY.xattr.security.selinux", b"x"),
                         (b"LIBARCHIVE.xattr.trusted.overlay.metacopy", b"eQ")),
                     d(b"pub"), entry(b"pub/f", data=b"x")))
simple("whiteout-device", "accept", "", "-",
       lambda c: end(entry(b"gone", b"3", dev=(0, 0)), entry(b"f", data=b"x")))
simple("capability-v3-foreign", "accept", "", "-",
       lambda c: end(pax((b"SCHILY.xattr.security.capability",
                          bytes.fromhex("01000003" "00040000" "00000000" "00000000" "00000000"
                                        "e8030000"))),
                     entry(b"f", data=b"x", mode=0o755)))
simple("capability-broken", "accept", "", "-",
       lambda c: end(pax((b"SCHILY.xattr.security.capability", b"abc")),
                     entry(b"f", data=b"x")))

# Row 41: bombs.
simple("sparse-bomb-gnu", "refuse", "maxBytes|size", "-",
       lambda c: end(header(b"f", b"S", size=512, magic=b"ustar  \0",
                            tail=(386, octal(0, 12) + octal(512, 12) + b"\0" * 73 +
                                  base256(1 << 61, 12))) + b"x" * 512))
simple("sparse-bomb-pax", "refuse", "maxBytes|size", "-",
       lambda c: end(pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"),
                         (b"GNU.sparse.name", b"f"), (b"GNU.sparse.realsize", b"%d" % (1 << 61))),
                     entry(b"x", data=padded(b"1\n0\n5\n") + b"hello")))
simple("size-bomb", "refuse", "maxBytes", "-",
       lambda c: header(b"f", size_field=base256(1 << 50, 12)) + b"x" * 1024)
simple("pax-bomb", "refuse", "maxHeader|large", "-",
       lambda c: header(b"x", b"x", size=64 << 20))

# Row 42: two readings of one archive.
simple("pax-size-against-zero", "refuse", "different sizes", "-",
       lambda c: end(pax((b"size", b"512")), header(b"f"), header(b"hidden"),
                     entry(b"g", data=b"x")))
simple("pax-size-against-other", "refuse", "different sizes", "-",
       lambda c: end(pax((b"size", b"512")), header(b"f", size=1024) + b"\0" * 1024))
simple("pax-then-long-name", "refuse", "contradict", "-",
       lambda c: end(pax((b"size", b"1024")), gnu_long(b"L", b"g"), entry(b"f", data=b"x" * 1024)))
simple("long-name-then-pax", "refuse", "contradict", "-",
       lambda c: end(gnu_long(b"L", b"g"), pax((b"path", b"h")), entry(b"f", data=b"x")))
simple("two-pax-headers", "refuse", "contradict", "-",
       lambda c: end(pax((b"path", b"g")), pax((b"path", b"h")), entry(b"f", data=b"x")))
simple("two-paths", "refuse", "ambiguous", "-",
       lambda c: end(pax((b"path", b"g"), (b"path", b"h")), entry(b"f", data=b"x")))
simple("pax-malformed", "refuse", "malformed", "-",
       lambda c: end(entry(b"x", b"x", b"99 path=g\n"), entry(b"f", data=b"x")))
simple("pax-negative-size", "refuse", "impossible size|negative", "-",
       lambda c: end(pax((b"size", b"-1")), entry(b"f", data=b"x")))
simple("global-path", "refuse", "global pax header", "-",
       lambda c: end(pax((b"path", b"g"), kind=b"g"), entry(b"f", data=b"x")))
simple("global-comment", "accept", "", "-",
       lambda c: end(pax((b"comment", b"0123456789abcdef"), kind=b"g"), entry(b"f", data=b"x")))
simple("dir-with-size", "refuse", "carries data", "-",
       lambda c: end(header(b"d", b"5", size=512), header(b"hidden"), entry(b"f", data=b"x")))
simple("slash-with-data", "refuse", "disagree|carries", "-",
       lambda c: end(header(b"d/", b"0", size=512), header(b"hidden"), entry(b"f", data=b"x")))
simple("size-not-a-number", "refuse", "not a number|Damaged|not a tar", "-",
       lambda c: end(header(b"f", size_field=b"00000000x12\0")))
simple("size-negative", "refuse", "negative|not a number|size", "-",
       lambda c: end(header(b"f", size_field=b"\xff" * 12)))
simple("unknown-type", "refuse", "unknown or not supported", "-",
       lambda c: end(entry(b"f", b"Z", b"x")))
simple("multi-volume", "refuse", "unknown or not supported", "-",
       lambda c: end(entry(b"f", b"M", b"x", magic=b"ustar  \0")))
simple("no-end-mark", "refuse", "cut short", "-", lambda c: entry(b"f", data=b"x"))
simple("cut-in-header", "refuse", "Truncated|cut short", "-",
       lambda c: entry(b"f", data=b"x") + header(b"g")[:300])
simple("cut-in-data", "refuse", "Truncated|cut short", "-",
       lambda c: header(b"f", size=5000) + b"x" * 1000)
simple("bad-checksum", "refuse", "Damaged|damaged|not a tar", "-",
       lambda c: end(entry(b"f", data=b"x"), header(b"g")[:148] + b"0000000\0" +
                     header(b"g")[156:]))
simple("end-after-pax", "refuse", "extension header|Damaged", "-",
       lambda c: end(entry(b"f", data=b"x"), pax((b"path", b"g"))))
simple("only-end-mark", "refuse", "no members", "-", lambda c: end())
simple("trailing-data", "accept", "", "-",
       lambda c: end(entry(b"f", data=b"x")) + entry(b"after", data=b"x"))

# What honest archives have, once more by hand.
simple("duplicates", "accept", "", "-",
       lambda c: end(entry(b"f", data=b"old", mode=0o600), d(b"x", mode=0o700),
                     entry(b"x/y/z", data=b"z"), entry(b"f", data=b"new", mode=0o640),
                     entry(b"x/y", data=b"file now"), sym(b"f2", b"f"), d(b"f2", mode=0o750),
                     pax((b"SCHILY.xattr.user.a", b"1")), d(b"e"), d(b"e", mode=0o711)))
simple("acls", "accept", "", "-",
       lambda c: end(pax((b"SCHILY.acl.default",
                          b"user::rwx,user:joe:r-x:1234,group::r-x,mask::rwx,other::---"),
                         (b"SCHILY.acl.access",
                          b"user::rwx,user:joe:r-x:1234,group::r-x,mask::r-x,other::---")),
                     d(b"x", mode=0o750), entry(b"x/f", data=b"x", mode=0o644),
                     entry(b"other", data=b"x"), d(b"x/sub", mode=0o700),
                     entry(b"x/g", data=b"x", mode=0o600)))


def main():
    if len(sys.argv) == 2 and sys.argv[1] == "list":
        for name, (verdict, control, pattern, _) in CASES.items():
            print(name, verdict, control, pattern, sep="\t")
        return 0
    if len(sys.argv) == 4 and sys.argv[1] == "make" and sys.argv[2] in CASES:
        sys.stdout.buffer.write(CASES[sys.argv[2]][3](sys.argv[3].encode()))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
