"""What befalls the gate while guests come and go: reloads, a broker that dies, a disk that is full, a clock that jumps."""
import collections
import heapq
import socket
import ssl
import time

from account import INSPECTOR

RELOAD_EVERY_S = 1
BROKEN_EVERY = 7  # reloads
SWAP_EVERY = 10
POLL_EVERY_S = 0.25
LOOK_EVERY_S = 1
TELL_EVERY = 60  # looks
ANSWER_S = 20  # how long the gate may take to do what it was told
SAVE_S = 5  # how often it keeps its counters, at least, while they change
DISK_FAULT_S = SAVE_S + 1.5
JUMPS_S = (0, 60, 3600, 40 * 86400, -60, -3600, -40 * 86400)
RELOADS = 'mqtt_bastion_policy_reloads_total{result="%s"}'


def total(metrics, family):
    return int(sum(value for name, value in metrics.items() if name.startswith(family + "{")))


def ended(metrics):
    return total(metrics, "mqtt_bastion_refusals_total") + total(metrics, "mqtt_bastion_closes_total")


def live(metrics):
    return total(metrics, "mqtt_bastion_open_connections")


class Weather:
    def __init__(self, stage, gate, account, verdict, random):
        self.stage, self.gate, self.account, self.verdict, self.random = stage, gate, account, verdict, random
        self.samples = []  # (time, resident KiB, share KiB)
        self.counts = collections.Counter()
        self.slowest_answer_s = 0.0
        self.last = {}
        self._last_status = {}
        self._refuses_fickle = False
        self._broker_is_up = True
        self._disk_fault = None
        self._disk_fault_at = 0.0
        self._threads = gate.threads()
        now = time.monotonic()
        self._due = [(now + first, name) for first, name in
                     ((0, "poll"), (0.5, "look"), (1, "reload"), (4, "jump"), (5, "broker"), (3, "disk"))]
        heapq.heapify(self._due)

    def blow(self, until):
        """Until that time. Leaves all in order: the broker is up, the disk has room, the clock is right."""
        while (due := heapq.heappop(self._due))[0] < until:
            time.sleep(max(0.0, due[0] - time.monotonic()))
            pause = getattr(self, due[1])()
            heapq.heappush(self._due, (time.monotonic() + pause, due[1]))
            if self.gate.process.poll() is not None:
                return self.verdict.broken("the gate ended by itself", self.gate.process.returncode)
        if not self._broker_is_up:
            self.broker()
        if self._disk_fault:
            self.disk()
        self.stage.clock.set(0)
        self._reload(refuses_fickle=False)

    # --- looking ---

    def poll(self):
        """Counters only grow, and each connection is live or has ended once: in one look at all of them."""
        asked_at = time.monotonic()
        now = self.gate.metrics()
        self.slowest_answer_s = max(self.slowest_answer_s, time.monotonic() - asked_at)
        for name, before in self.last.items():
            if "_total" in name and now.get(name, 0) < before:
                self.verdict.broken("a counter went back", f"{name} from {before:.0f} to {now.get(name)}")
        accepted = total(now, "mqtt_bastion_connections_total")
        self.verdict.expect(accepted == ended(now) + live(now), "not every connection was counted once",
                            f"{accepted} accepted, {ended(now)} ended, {live(now)} live")
        self.counts["polls"] += 1
        self.last = now
        return POLL_EVERY_S

    def look(self):
        """The status for programs, memory and threads."""
        status = self.gate.status()
        for listener in status["listeners"]:
            before = self._last_status.get(listener["name"], {})
            for name, value in listener.items():
                if name.endswith("_total"):
                    self.verdict.expect(value >= before.get(name, 0), "a counter of the status went back", name)
            self.verdict.expect(listener["connections_total"] >= listener["refusals_total"] + listener["open_connections"],
                                "the status has more connections than were accepted", listener)
            self._last_status[listener["name"]] = listener
        self.samples.append((time.monotonic(), *self.gate.memory_kib()))
        self.verdict.expect(self.gate.threads() == self._threads, "the number of the gate's threads changed")
        if len(self.samples) % TELL_EVERY == 0:
            print(f"  {live(self.last)} connections of {ended(self.last) + live(self.last)}, {self.samples[-1][1]} KiB", flush=True)
        return LOOK_EVERY_S

    def _await(self, condition, sentence):
        """Polls until the metrics say so."""
        give_up_at = time.monotonic() + ANSWER_S
        while not condition(self.last):
            if time.monotonic() > give_up_at or self.gate.process.poll() is not None:
                return self.verdict.broken(sentence)
            time.sleep(0.02)
            self.poll()

    # --- reload ---

    def reload(self):
        self.counts["reloads"] += 1
        if self.counts["reloads"] % SWAP_EVERY == 0:
            self.stage.swap_certificate()
            self._reload(self._refuses_fickle)
            self._expect_certificate()
        elif self.counts["reloads"] % BROKEN_EVERY == 0:
            self._reload(self._refuses_fickle, broken=True)
        else:
            self._reload(not self._refuses_fickle)
        return RELOAD_EVERY_S

    def _reload(self, refuses_fickle, broken=False):
        """Waits for what comes of it: signals that follow too closely are one."""
        self.poll()
        result, other = ("bad", "good") if broken else ("good", "bad")
        due = self.last[RELOADS % result] + 1
        before = self.last[RELOADS % other]
        self.stage.write_policy(refuses_fickle, broken)
        self.gate.reload()
        self._await(lambda now: now[RELOADS % result] >= due, f"a {result} policy was not taken as such")
        self.verdict.expect(self.last[RELOADS % other] == before, "a reload came out otherwise than it should have")
        self.counts[f"{result} reloads"] += 1
        if not broken:
            self._refuses_fickle = refuses_fickle

    def _expect_certificate(self):
        # The reload was answered before the workers had it: the next look at all of them is behind that.
        self.poll()
        context = ssl.create_default_context(cafile=self.stage.path("ca.crt"))
        gate = ("127.0.0.1", self.gate.port)
        with socket.create_connection(gate, timeout=ANSWER_S, source_address=(INSPECTOR, 0)) as tcp:
            with context.wrap_socket(tcp, server_hostname="127.0.0.1") as tls:
                served = ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))
        self.counts["certificates seen"] += 1
        self.verdict.expect(served.strip() in self.stage.path(self.stage.pair + ".crt").read_text(),
                            "a new certificate was not served after its reload")

    # --- the broker, the disk, the clock ---

    def broker(self):
        if self._broker_is_up:
            self.account.outages.begin()
            self.stage.broker.kill()
            self.counts["broker kills"] += 1
        else:
            self.stage.broker.start()
            self.account.outages.end()
        self._broker_is_up = not self._broker_is_up
        return self.random.uniform(1, 3) if not self._broker_is_up else self.random.uniform(30, 50)

    def disk(self):
        """Full, or its directory gone, for longer than the gate leaves it alone; and back."""
        disk = self.stage.disk
        if self._disk_fault is None:
            is_full = disk.can_be_full and self.random.random() < 0.5
            (disk.fill if is_full else disk.lose)()
            self._disk_fault = disk.make_room if is_full else disk.find
            self._disk_fault_at = time.monotonic()
            self.counts["disk full" if is_full else "state directory lost"] += 1
            return DISK_FAULT_S
        self.poll()
        noticed = self.last["mqtt_bastion_state_last_save_successful"] == 0
        if time.monotonic() >= self._disk_fault_at + DISK_FAULT_S:
            self.verdict.expect(noticed, "counters that could not be kept went unnoticed")
        self._disk_fault()
        self._disk_fault = None
        self._await(lambda now: now["mqtt_bastion_state_last_save_successful"] == 1,
                    "counters were not kept again once there was room")
        return self.random.uniform(4, 12)

    def jump(self):
        self.counts["clock jumps"] += 1
        self.stage.clock.set(self.random.choice(JUMPS_S))
        return self.random.uniform(2, 6)
