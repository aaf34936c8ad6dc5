#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""unit_manager.py JAIL NAME LOG [REPORT]: does for jail@NAME.service what systemd does.

Makes the unit's cgroup below $SANDBOX_ROOT/fake.slice, executes `_unit-start` in it with NOTIFY_SOCKET and with LOG as
its output, takes MAINPID, answers BARRIER, and when the main process has ended (SIGTERM to us: after `_unit-stop`)
executes `_unit-post` and removes the cgroup. REPORT gets a line for each thing that happens.
"""
import array, os, select, signal, socket, subprocess, sys, tempfile, time

jail, name, log = sys.argv[1:4]
root = os.environ["SANDBOX_ROOT"]
unit = f"{root}/fake.slice/jail@{name}.service"
os.makedirs(unit, exist_ok=True)
report = open(sys.argv[4] if len(sys.argv) > 4 else os.devnull, "w", buffering=1)
output = open(log, "ab")
ready = False


def say(*words):
    print(*words, file=report)


def enter(directory):
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/cgroup.procs", "w") as f:
        f.write("0")


def spawn(verb, directory, env, stdout=None):
    pid = os.fork()
    if pid == 0:
        try:
            enter(directory)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.setsid()
            if stdout is not None:
                os.dup2(stdout.fileno(), 1)
                os.dup2(stdout.fileno(), 2)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.execve(jail, [jail, verb, name], {**os.environ, **env})
        finally:
            os._exit(203)
    return pid


def control(verb, env):
    status = os.waitpid(spawn(verb, f"{unit}/.control", env, output), 0)[1]
    say(verb, os.waitstatus_to_exitcode(status))


def take_message(sock):
    """Return: the new main pid or None."""
    data, ancillary, _, _ = sock.recvmsg(4096, 1024)
    fds = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    new = None
    global ready
    for line in data.decode().split():
        say("notify", line if not line.startswith("MAINPID") else "MAINPID")
        if line.startswith("MAINPID="):
            new = int(line[8:])
        ready = ready or line == "READY=1"
    for fd in fds:
        os.close(fd)
    return new


directory = tempfile.mkdtemp()
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind(f"{directory}/notify")
wake, their = socket.socketpair()
their.setblocking(False)
signal.set_wakeup_fd(their.fileno())
for number in (signal.SIGTERM, signal.SIGCHLD):
    signal.signal(number, lambda *_: None)

main = launcher = spawn("_unit-start", unit, {"NOTIFY_SOCKET": f"{directory}/notify"}, output)
say("pid", launcher)
status = None
while status is None:
    readable = select.select([sock, wake], [], [])[0]
    if sock in readable:
        main = take_message(sock) or main
    if wake in readable:
        for number in wake.recv(64):
            if number == signal.SIGTERM and ready:
                control("_unit-stop", {"MAINPID": str(main)})
    # What has been sent before an end counts before it.
    while select.select([sock], [], [], 0)[0]:
        main = take_message(sock) or main
    while True:
        try:
            pid, how = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            break
        if pid == main:
            status = how
        elif pid == launcher:
            say("launcher", os.waitstatus_to_exitcode(how))

killed = os.WIFSIGNALED(status)
number = os.WTERMSIG(status) if killed else os.WEXITSTATUS(status)
if not ready and main == launcher:
    # systemd ends what a failed start leaves.
    with open(f"{unit}/cgroup.kill", "w") as f:
        f.write("1")
say("main", "killed" if killed else "exited", number)
control("_unit-post", {
    "SERVICE_RESULT": "signal" if killed else "success" if number == 0 else "exit-code",
    "EXIT_CODE": "killed" if killed else "exited",
    "EXIT_STATUS": signal.Signals(number).name[3:] if killed else str(number),
})
# The last child of a teardown may still be exiting.
for _ in range(200):
    left = subprocess.run(["find", unit, "-name", "cgroup.procs", "-exec", "cat", "{}", "+"], capture_output=True, text=True)
    if not left.stdout:
        break
    time.sleep(0.05)
say("left", left.stdout.split())
subprocess.run(["find", unit, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"])
subprocess.run(["rmdir", f"{root}/fake.slice"], stderr=subprocess.DEVNULL)
subprocess.run(["rm", "-rf", directory])
say("gone")
