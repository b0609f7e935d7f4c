"""Where the soak plays: certificates, passwords, two policies and a broken one, a broker that can be killed, a small disk."""
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))
from proxies import ReservedPort, find_program, listens  # noqa: E402

from gate import Clock  # noqa: E402

DRAIN_S = 5
DISK_BYTES = 256 << 10
CLONE_NEWNS = 0x20000

# Timeouts are short, so that each has its turn; nothing else holds guests back.
POLICY = """schema = 1
[gate]
workers = 2
state_dir = "disk/state"
drain_timeout = "{drain_s}s"
log = {{ lines_per_source_max = 100000 }}
[admin]
address = "127.0.0.1:0"
socket = "control.sock"
[upstream]
address = "127.0.0.1:{broker_port}"
[tls]
certificate = "{pair}.crt"
key = "{pair}.key"
handshake_timeout = "3s"
[[listener]]
name = "devices"
address = "127.0.0.1:0"
[admission]
allow = ["127.0.0.0/16"]
deny = {deny}
connections_max = 8000
connections_per_address_max = 8000
handshakes_max = 8000
handshakes_per_address_max = 8000
connect_rate_per_address = {{ burst = 100000, every = "1ms" }}
[authentication]
password_file = "passwd"
hash_queue_max = 8000
[mqtt]
connect_timeout = "3s"
slow_reader_timeout = "3s"
"""
ALL = {"deny": '["127.0.66.0/24"]'}
STEADY_ONLY = {"deny": '["127.0.66.0/24", "127.0.7.0/24"]'}
STEADY_ROLE = '[[role]]\nname = "steady"\nusers = ["steady"]\n'
BROKEN = "no_such_section = 1\n"


class Disk:
    """A file system of its own with little room, so that it can be full; a mere directory where mounting is not allowed."""

    def __init__(self, directory):
        self.directory = directory
        self.state = directory / "state"
        directory.mkdir()
        self.can_be_full = self._mount()
        self.state.mkdir()

    def _mount(self):
        # The mount is this process's and its children's only, and gone with them.
        libc = ctypes.CDLL(None)
        if libc.unshare(CLONE_NEWNS) != 0:
            return False
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", self.directory]
        return all(subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
                   for command in (["mount", "--make-rprivate", "/"], mount))

    def fill(self):
        with (self.directory / "filling").open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass  # that was the point

    def make_room(self):
        (self.directory / "filling").unlink()

    def lose(self):
        self.state.rename(self.directory / "aside")

    def find(self):
        (self.directory / "aside").rename(self.state)

    def release(self):
        if self.can_be_full:
            subprocess.run(["umount", "--lazy", self.directory], check=True)


class Stage:
    def __init__(self, directory, build):
        self.directory, self.build = Path(directory), Path(build)
        self.program = self.build / "proxy/mqtt-bastion"
        self.clock_jump = self.build / "tests/soak/soak_clock.so"
        self.policy = self.path("policy.toml")
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        subprocess.run([HERE.parents[1] / "certs/make-certs", "--force", "--days", "3650", self.directory], check=True)
        for user in ("steady", "fickle"):
            # One round of SHA-512: the soak is about everything else.
            command = [self.program, "passwd", "--batch", "--scheme", "sha512", "--create", self.path("passwd"), user]
            subprocess.run(command, input=f"{user} password", text=True, check=True, capture_output=True)
        self.disk = Disk(self.path("disk"))
        self.clock = Clock(self.path("clock"))
        self.pair = "server-ecdsa"
        self.broker = Broker(self)
        self.write_policy(refuses_fickle=False)

    def path(self, name):
        return self.directory / name

    def write_policy(self, refuses_fickle, broken=False):
        text = POLICY.format(drain_s=DRAIN_S, broker_port=self.broker.port, pair=self.pair,
                             **(STEADY_ONLY if refuses_fickle else ALL))
        text += (STEADY_ROLE if refuses_fickle else "") + (BROKEN if broken else "")
        fresh = self.path("policy.toml.new")
        fresh.write_text(text)
        fresh.rename(self.policy)

    def swap_certificate(self):
        """The other of the two pairs is named from the next policy on."""
        self.pair = "server-rsa" if self.pair == "server-ecdsa" else "server-ecdsa"


class Broker:
    """Debian's Mosquitto, open to all on loopback: who comes here has come through the gate."""

    def __init__(self, stage):
        self._reserved = ReservedPort()
        self.port = self._reserved.number
        self._configuration = stage.path("mosquitto.conf")
        self._configuration.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest stderr\n"
                                       "log_type error\nlog_type warning\nlog_type notice\nconnection_messages true\n"
                                       "max_queued_messages 0\nmax_inflight_messages 0\n")
        self.log = stage.path("mosquitto.log")
        self.starts = 0

    def start(self):
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([find_program("mosquitto"), "-c", self._configuration], stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)
        give_up_at = time.monotonic() + 30
        while not listens(self.port):
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise SystemExit("Mosquitto did not start; see mosquitto.log")
            time.sleep(0.01)
        self.starts += 1

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def strangers(self):
        """Lines of its log that tell of a client who has no business there."""
        with self.log.open(errors="replace") as log:
            return [line.strip() for line in log if " as stranger-" in line]


def keep(directory, to):
    """What is needed to find out what happened."""
    to.mkdir(parents=True, exist_ok=True)
    for name in ("gate.log", "mosquitto.log", "policy.toml"):
        if (Path(directory) / name).exists():
            shutil.copy(Path(directory) / name, to / name)
    return os.fspath(to)
