#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mkoci.py DIR SCRIPT [ARG...]: writes an OCI image layout into DIR, as honest or as wrong as SCRIPT
(Python) asks for. What it can call:

    file(name, data=b"", **attributes), dir(name), sym(name, to), hard(name, to), char(name, ma, mi)
    layer(*members, compress="gzip")       -> a layer; .diff_id, .blob, .size
    raw(path)                              -> a layer of these bytes, whatever they are
    image(*layers, name=, full_name=, arch=, config={}, manifest={}, listed=True) -> descriptor
    blob(data)                             -> its digest, by FUNCTION ("sha256", or "sha512")
    entry(descriptor)                      puts a descriptor into index.json
    docker([(layers, tags)], links=False)  DIR becomes what `docker save` of old packs
    ARGS                                   what follows the script

index.json and oci-layout are written at the end, unless it was docker().
"""
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import platform
import sys
import tarfile

TOP = sys.argv[1]
ARGS = sys.argv[3:]
INDEX = []
MEDIA = "application/vnd.oci.image."
WRITE_OCI = True
FUNCTION = "sha256"


def host_arch():
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def put(name, data):
    path = os.path.join(TOP, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def blob(data):
    digest = hashlib.new(FUNCTION, data).hexdigest()
    put(f"blobs/{FUNCTION}/{digest}", data)
    return f"{FUNCTION}:{digest}"


def member(name, kind, data=b"", **attributes):
    m = tarfile.TarInfo(name)
    m.type, m.size, m.mtime = kind, len(data), 1000000000
    m.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in attributes.items():
        setattr(m, key, value)
    return m, data


def file(name, data=b"", **attributes):
    return member(name, tarfile.REGTYPE, data, **attributes)


def dir(name, **attributes):
    return member(name, tarfile.DIRTYPE, **attributes)


def sym(name, to):
    return member(name, tarfile.SYMTYPE, linkname=to)


def hard(name, to):
    return member(name, tarfile.LNKTYPE, linkname=to)


def char(name, major, minor):
    return member(name, tarfile.CHRTYPE, devmajor=major, devminor=minor)


class Layer:
    def __init__(self, members, compress):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as t:
            for m, data in members:
                t.addfile(m, io.BytesIO(data))
        self.tar = out.getvalue()
        self.diff_id = sha(self.tar)
        pack = {"": bytes, "gzip": lambda d: gzip.compress(d, mtime=0), "xz": lzma.compress,
                "bzip2": bz2.compress}[compress]
        self.packed = pack(self.tar)
        self.blob = blob(self.packed)
        self.size = len(self.packed)
        self.media = MEDIA + "layer.v1.tar" + ("+" + compress if compress in ("gzip", "zstd") else "")


def raw(path):
    l = Layer([], "")
    l.tar = l.packed = open(path, "rb").read()
    l.diff_id, l.blob, l.size = sha(l.tar), blob(l.tar), len(l.tar)
    return l


def layer(*members, compress="gzip"):
    return Layer(members, compress)


def config_of(layers, arch, more):
    doc = {"architecture": arch or host_arch(), "os": "linux", "config": {},
           "rootfs": {"type": "layers", "diff_ids": [l.diff_id for l in layers]}}
    doc.update(more)
    return json.dumps(doc).encode()


def describe(data, media):
    return {"mediaType": media, "digest": blob(data), "size": len(data)}


def entry(descriptor):
    INDEX.append(descriptor)
    return descriptor


def image(*layers, name=None, full_name=None, arch=None, config={}, manifest={}, listed=True):
    doc = {"schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json",
           "config": describe(config_of(layers, arch, config), MEDIA + "config.v1+json"),
           "layers": [{"mediaType": l.media, "digest": l.blob, "size": l.size} for l in layers]}
    doc.update(manifest)
    d = describe(json.dumps(doc).encode(), MEDIA + "manifest.v1+json")
    if name or full_name:
        d["annotations"] = {k: v for k, v in (("org.opencontainers.image.ref.name", name),
                                              ("io.containerd.image.name", full_name)) if v}
    if arch:
        d["platform"] = {"os": "linux", "architecture": arch}
    return entry(d) if listed else d


def index_of(*descriptors, **more):
    doc = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": list(descriptors)}
    return dict(describe(json.dumps(doc).encode(), MEDIA + "index.v1+json"), **more)


def docker(images, links=False):
    global WRITE_OCI
    WRITE_OCI = False
    manifest, first = [], {}
    for number, (layers, tags) in enumerate(images):
        config = config_of(layers, None, {})
        name = sha(config)[7:] + ".json"
        put(name, config)
        names = []
        for l in layers:
            legacy = "%064x/layer.tar" % (number * 1000 + len(names) + 1)
            if links and l.diff_id in first:
                os.makedirs(os.path.join(TOP, os.path.dirname(legacy)))
                os.symlink("../" + first[l.diff_id], os.path.join(TOP, legacy))
            else:
                put(legacy, l.tar)
            first.setdefault(l.diff_id, legacy)
            names.append(legacy)
        manifest.append({"Config": name, "RepoTags": tags, "Layers": names})
    put("manifest.json", json.dumps(manifest).encode())


exec(compile(sys.argv[2], "SCRIPT", "exec"))
if WRITE_OCI:
    put("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    put("index.json", json.dumps({"schemaVersion": 2, "manifests": INDEX}).encode())
