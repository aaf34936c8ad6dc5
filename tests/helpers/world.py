#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""world.py [settle SECONDS | show] [LABEL=DIRECTORY...]

show: everything there is of jail in the machine (here: in the sandbox) and in directories, as sorted lines, to be
compared with diff. Masked is what is chosen by chance or counts on by itself, and nothing else: numbers and names of
interfaces, handles, counters, ids, addresses and times. So a line says that there is a lease, and how many there are,
not which.

Directories with the label "state" and "run" are jail's own. Of an instance is left out how it ended, what it has said and
written, and the locks and files that a first start makes and that stay: they say how far it came, which is told by its
status as well, and go with it. Whatever else is in its directory counts.

Before that, and with settle only that: waits until nobody of ours is on the way from one state to another: no command,
no supervisor that is no monitor yet or any more, and each monitor has its init. Status 1 when that doesn't come about,
and nothing is shown; says who is at work.

From the environment: SANDBOX_ROOT, the root of the cgroups; JAIL_BUILD, where the programs are.
"""
import glob
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import time

ROOT = os.environ["SANDBOX_ROOT"]
BUILD = os.environ["JAIL_BUILD"]
LIMITS = ("memory.max", "memory.high", "memory.swap.max", "pids.max", "cpu.max", "cpu.weight", "io.max", "cgroup.freeze")
IN_INSTANCES = re.compile(r"(instances/[^/]+/(exit\.json|exit\.next|log\.json|spec\.lock|upper|work)|volumes/[^/]+/guard)(/|$)")


def read(path):
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()
    except OSError:
        return ""


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def groups():
    """The cgroups, without the test's own."""
    for path, names, _ in os.walk(ROOT):
        yield path, os.path.relpath(path, ROOT)
        if path == ROOT and "runner" in names:
            names.remove("runner")


def processes():
    """(cgroup, program) of each process of jail and of instances: "program" is one of an image, "zombie" one that has
    ended and waits for its parent. The test's own count when they are of jail."""
    programs = {}
    for path in glob.glob(BUILD + "/jail*"):
        at = os.stat(path)
        programs[at.st_dev, at.st_ino] = os.path.basename(path)
    for path, name in [*groups(), (ROOT + "/runner", "runner")]:
        for pid in read(path + "/cgroup.procs").split():
            try:
                at = os.stat(f"/proc/{pid}/exe")
                program = programs.get((at.st_dev, at.st_ino), "program")
            except OSError:
                program = "zombie" if os.path.exists(f"/proc/{pid}") else None
            if program and (name != "runner" or program not in ("program", "zombie")):
                yield name, program


def cgroups():
    for path, name in groups():
        if name == ".":
            continue
        yield f"cgroup: {name}"
        for limit in LIMITS:
            if os.path.exists(f"{path}/{limit}"):
                yield f"limit: {name}/{limit} {read(f'{path}/{limit}').strip()}"


def masked(line):
    line = re.sub(r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b", "MAC", line)
    # The gateway is the first of its network, and not by chance.
    line = re.sub(r"\b(10(\.\d+){2})\.1\b", r"\1.GATEWAY", line)
    line = re.sub(r"\b10(\.\d+){3}(?=[^/.\d]|$)", "ADDRESS", line)
    line = re.sub(r"\bfe80::[0-9a-f:]+", "LINKLOCAL", line)
    line = re.sub(r"\b(fd[0-9a-f]{2}:[0-9a-f:]+)::1\b", r"\1::GATEWAY", line)
    line = re.sub(r"\bfd[0-9a-f]{2}:[0-9a-f]+:[0-9a-f:]*[0-9a-f](?=[^/0-9a-f:]|$)", "ADDRESS", line)
    line = re.sub(r"\bv[a-z][0-9a-f]{12}\b", "VETH", line)
    line = re.sub(r"\byearly-\d{8}-\d{6}", "yearly-TIME", line)
    line = re.sub(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", "ID", line)
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME", line)


def network():
    for link in json.loads(output("ip", "-d", "-j", "link")):
        yield "link: %s %s master %s alias %s" % (
            link["ifname"], link.get("linkinfo", {}).get("info_kind"), link.get("master"), link.get("ifalias"))
    for link in json.loads(output("ip", "-j", "address")):
        for address in link["addr_info"]:
            yield "address: %s %s/%s" % (link["ifname"], address.get("local"), address["prefixlen"])
    # Whether anybody is there at the other end the kernel notices when it has the time.
    for family in "-4", "-6":
        for line in output("ip", family, "route", "show", "table", "all").splitlines():
            yield "route: " + line.replace(" linkdown", "")
        for line in output("ip", family, "rule").splitlines():
            yield "rule: " + line
    for line in output("ip", "neigh", "show", "nud", "permanent").splitlines():
        yield "neighbour: " + line
    for item in json.loads(output("nft", "-j", "list", "ruleset"))["nftables"]:
        yield from table_lines(item)


def table_lines(item):
    (kind, what), = item.items()
    if kind == "metainfo":
        return
    what.pop("handle", None)
    for element in what.pop("elem", []):
        yield f"element: {what['name']} " + json.dumps(uncounted(element), sort_keys=True)
    yield f"nft: {kind} " + json.dumps(uncounted(what), sort_keys=True)


def uncounted(value):
    if isinstance(value, dict):
        return {k: "N" if k in ("bytes", "packets", "expires") else uncounted(v) for k, v in value.items()}
    return [uncounted(v) for v in value] if isinstance(value, list) else value


def content(label, path, size):
    """What a record says; of other files, whether they are the same."""
    if label == "out":  # an export: has times in it
        return "with content" if size else "empty"
    if path.endswith(".jsonl"):  # what has happened, which is more each time
        return ""
    if path.endswith(".json"):
        text = re.sub(r'("config": ?"sha256:)[0-9a-f]+', r"\1ID", read(path))
        return re.sub(r": ?\d{7,}", ": N", " ".join(text.split()))
    if path.endswith("disk.img"):  # has identifiers and times of its file system
        return str(size)
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def entry(top, path, label):
    """A line for one file. Owners of instances are in a range by chance."""
    at = os.lstat(path)
    name = os.path.relpath(path, top)
    name = re.sub(r"snapshots/[0-9a-f]{16}", "snapshots/ID", name)
    name = re.sub(r"configs/[0-9a-f]{64}", "configs/ID", name)
    name = re.sub(r"(leases/.*)/[^/]+$", r"\1/LEASE", name) if stat.S_ISLNK(at.st_mode) else name
    line = f"{label}: {name} {stat.filemode(at.st_mode)} {at.st_uid % 65536}:{at.st_gid % 65536}"
    if stat.S_ISLNK(at.st_mode):
        line += " -> " + os.readlink(path)
    if stat.S_ISREG(at.st_mode) and label in ("state", "out") and at.st_size < 64 << 20:
        line += " " + content(label, path, at.st_size)
    for attribute in os.listxattr(path, follow_symlinks=False):
        if attribute != "trusted.jail.parent":  # an id
            line += f" {attribute}={os.getxattr(path, attribute, follow_symlinks=False).hex()}"
    return line


def tree(label, top):
    for path, names, files in os.walk(top):
        for name in [*names, *files]:
            at = os.path.join(path, name)
            if label == "state" and (IN_INSTANCES.search(os.path.relpath(at, top)) or name.endswith("lock")):
                continue
            if label == "run" and name == "network.lock":  # is there from the first change on
                continue
            try:
                yield entry(top, at, label)
            except FileNotFoundError:
                yield f"{label}: {at} goes at this moment"
    # Names in networks: a record that was turned off stays, as room for the next.
    for path in glob.glob(top + "/hosts/*") if label == "run" else []:
        if os.path.isfile(path):
            yield from ("host: " + line for line in read(path).splitlines() if re.match("[0-9a-f]", line))


def loops(tops):
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        name = read(path).strip()
        if any(name.startswith(top + "/") for top in tops):
            yield "loop: " + re.sub(r"^.*/", "", name)


def show(directories):
    lines = ["mount: " + line for line in read("/proc/self/mounts").splitlines()]
    lines += [f"process: {group} {program}" for group, program in processes()]
    lines += [*cgroups(), *network()]
    for label, top in directories:
        lines += tree(label, top)
    lines += loops([os.path.dirname(top) for _, top in directories])
    print("\n".join(sorted(map(masked, lines))))


def unsettled():
    found = list(processes())
    programs = [program for _, program in found]
    moving = ("zombie", "jail", "jail-unpack", "jail-copy", "jail-oci-full")
    if any(program in moving for program in programs) or ("runner", "jail-oci") in found:
        return found
    inits = programs.count("jail-init")
    return [] if programs.count("jail-monitor") == inits and programs.count("jail-proxy") <= inits else found


def settle(seconds):
    end = time.monotonic() + seconds
    while found := unsettled():
        if time.monotonic() > end:
            print("\n".join(f"at work: {group} {program}" for group, program in found), file=sys.stderr)
            return 1
        time.sleep(0.01)
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "settle":
        sys.exit(settle(float(sys.argv[2])))
    if settle(30) == 0:
        show([argument.split("=", 1) for argument in sys.argv[2:]])
