"""The proxies that are measured: how each is started, held and let go, and what it has cost so far."""
import contextlib
import os
import re
import shutil
import signal
import socket
import string
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
DENIED = "127.0.0.2"  # the address that every proxy refuses at accept
USER, PASSWORD = "bench", "correct horse battery staple"
HELD, AT_REST = set("Tt"), set("S")


class Void(Exception):
    """Something was lost, changed or not as it should be: what was measured says nothing."""


class Stage:
    """Where the proxies find what they need: certificates, a password file and the broker's port. All have the same."""

    def __init__(self, directory, build):
        self.directory, self.build = Path(directory), Path(build)
        self.program = self.build / "proxy/mqtt-bastion"
        self.broker_port = None
        self.core = keep_apart()
        subprocess.run([HERE.parents[1] / "certs/make-certs", self.directory], check=True)
        pair = [(self.directory / f"server-ecdsa.{kind}").read_text() for kind in ("crt", "key")]
        self.path("server.pem").write_text("".join(pair))
        # One round of SHA-512: the cheapest password there is, since the figures are those before the password's own cost.
        subprocess.run([self.program, "passwd", "--batch", "--scheme", "sha512", "--create", self.path("passwd"), USER],
                       input=PASSWORD, text=True, check=True, capture_output=True)

    def path(self, name):
        return self.directory / name

    def configuration(self, template, **more):
        """Writes a file from peers/ with its $names filled in."""
        text = (HERE / "peers" / template).read_text()
        values = {"directory": self.directory, "broker_port": self.broker_port, "denied": DENIED, **more}
        file = self.path(template)
        file.write_text(string.Template(text).substitute(values))
        return file


class Proxy:
    """A proxy that runs: one process, with however many threads. `connect_port`: where CONNECTs are looked into."""

    def __init__(self, name, process, port, connect_port=None):
        self.name, self.process, self.port, self.connect_port = name, process, port, connect_port
        # CLOCK_PROCESS_CPUTIME_ID of another process (clock_getcpuclockid(3)): all its threads, those that ended among
        # them, user and system, in nanoseconds.
        self._clock = (~process.pid << 3) | 2

    def cpu_ns(self):
        return time.clock_gettime_ns(self._clock)

    def _thread_states(self):
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that has ended meanwhile
                yield (thread / "stat").read_text().rpartition(") ")[2][0]

    def _wait_until_all_are(self, states):
        give_up_at = time.monotonic() + 20
        while not set(self._thread_states()) <= states:
            if self.process.poll() is not None:
                raise Void(f"{self.name} has ended")
            if time.monotonic() > give_up_at:
                raise Void(f"{self.name} never came to rest")
            os.sched_yield()

    def rest(self):
        """Waits until it has nothing left to do."""
        self._wait_until_all_are(AT_REST)

    @contextlib.contextmanager
    def held(self):
        """Stopped: what arrives meanwhile waits in the kernel."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            self._wait_until_all_are(HELD)
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def memory_bytes(self):
        """Its own memory: pages that it shares with other processes count by its share."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return 1024 * int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.M)[1])

    def resident_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1])

    def stop(self):
        self.process.kill()
        self.process.wait()


class ReservedPort:
    """Bound but not listening: nobody else is given the port, and who names it with SO_REUSEADDR may listen there."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number = self._socket.getsockname()[1]


def keep_apart():
    """The caller, and so the load generator, leaves one core to the proxies. Returns that core."""
    *others, last = sorted(os.sched_getaffinity(0))
    if others:
        os.sched_setaffinity(0, others)
    return last


def spawn(stage, name, command, **more):
    log = stage.path(f"{name}.log").open("ab")
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stderr=log, **more,
                               preexec_fn=lambda: os.sched_setaffinity(0, {stage.core}))
    log.close()
    return process


def wait_for(process, name, is_ready):
    give_up_at = time.monotonic() + 20
    while not is_ready():
        if process.poll() is not None or time.monotonic() > give_up_at:
            process.kill()
            raise Void(f"{name} did not start; its log is kept")
        time.sleep(0.01)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def topic_rule(number):
    """One of many: sites with devices below them, every tenth with a wildcard."""
    site = f"site/{number // 10}"
    return f"{site}/+/alarm" if number % 10 == 0 else f"{site}/device{number}/#"


def role_of(rules):
    """A role of so many rules and a few that count: what the clients use, and a deny that asks about deliveries."""
    words = ", ".join(f'"{topic_rule(number)}"' for number in range(rules))
    return (f'[[role]]\nname = "bench"\npublish = ["bench", {words}]\nsubscribe = ["bench", "other/#", {words}]\n'
            'deny = ["+/+/secret"]\n')


def acl_of(stage, rules):
    """The same as Mosquitto's ACL file."""
    lines = [f"user {USER}", "topic readwrite bench", "topic read other/#", "topic deny +/+/secret"]
    stage.path("acl").write_text("\n".join(lines + [f"topic {topic_rule(number)}" for number in range(rules)]) + "\n")
    return '[authorization]\nacl_file = "acl"\n'


def gate_with(name, rights):
    """`rights`: what the policy says of topics, made of the stage."""

    def start(stage):
        ports = stage.path("ports")
        ports.unlink(missing_ok=True)
        policy = stage.configuration("gate.toml", rights=rights(stage))
        command = [stage.program, "run", "-c", policy, "--ports-file", ports, "--user", "root"]
        process = spawn(stage, name, command, stdout=subprocess.DEVNULL)
        wait_for(process, name, ports.exists)
        port = int(re.search(r"^listener bench \S+:(\d+)$", ports.read_text(), re.M)[1])
        return Proxy(name, process, port, connect_port=port)

    return start


def start_haproxy(stage):
    port, connect_port = ReservedPort(), ReservedPort()
    file = stage.configuration("haproxy.cfg", port=port.number, connect_port=connect_port.number)
    process = spawn(stage, "haproxy", [find_program("haproxy"), "-db", "-f", file], stdout=subprocess.DEVNULL)
    wait_for(process, "haproxy", lambda: listens(port.number))
    return Proxy("haproxy", process, port.number, connect_port.number)


def start_nginx(stage):
    port = ReservedPort()
    file = stage.configuration("nginx.conf", port=port.number)
    process = spawn(stage, "nginx", [find_program("nginx"), "-p", stage.directory, "-c", file], stdout=subprocess.DEVNULL)
    wait_for(process, "nginx", lambda: listens(port.number))
    return Proxy("nginx", process, port.number)


def start_bare(stage, lose=None):
    """`lose`: which of its reads it is to lose, so that a run is void."""
    relay = stage.build / "tests/bench/peers/bare_relay"
    command = [relay, stage.path("server-ecdsa.crt"), stage.path("server-ecdsa.key"), stage.broker_port, DENIED]
    process = spawn(stage, "bare", command + ([lose] if lose else []), stdout=subprocess.PIPE, text=True)
    return Proxy("bare", process, int(process.stdout.readline()))


def find_program(name):
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if not found:
        raise SystemExit(f"{name} is missing: cmake/install-dependencies bench")
    return found


# In the order of the table. `bare` is no peer: it shows the limit.
PEERS = ("haproxy", "nginx")
EVERYBODY = ("gate", *PEERS, "bare")
# The gate with rules for topics.
RULED = ("10 rules", "10,000 rules", "ACL of 10,000")
START = {"gate": gate_with("gate", lambda stage: ""), "haproxy": start_haproxy, "nginx": start_nginx, "bare": start_bare,
         "10 rules": gate_with("10 rules", lambda stage: role_of(10)),
         "10,000 rules": gate_with("10,000 rules", lambda stage: role_of(10_000)),
         "ACL of 10,000": gate_with("ACL of 10,000", lambda stage: acl_of(stage, 10_000))}
