"""What is measured: each row gives one figure or more of one proxy, as often as it is asked."""
import dataclasses
import math
import statistics
from dataclasses import dataclass
from typing import Callable, Optional

from proxies import DENIED, EVERYBODY, PEERS, RULED


@dataclass(frozen=True)
class Scale:
    """How much is done in one measurement."""
    rounds: int
    cycles: int  # backlogs given and worked off
    crowd: float  # clients, as a part of what a row asks for
    visits: int  # connections that come and go
    trips: int
    idle_clients: int

    def clients(self, wanted):
        return max(1, round(wanted * self.crowd))


FULL = Scale(rounds=7, cycles=10, crowd=1, visits=50, trips=2000, idle_clients=2000)
TINY = Scale(rounds=1, cycles=1, crowd=0.05, visits=3, trips=20, idle_clients=10)


@dataclass(frozen=True)
class Figure:
    name: str
    what: str
    unit: str
    divisor: float = 1
    ratio_max: Optional[float] = None  # promised: at most so much of the best peer's figure
    limit: Optional[float] = None  # promised: at most so much, in `unit`


@dataclass(frozen=True)
class Row:
    figures: tuple
    measure: Callable  # (load, proxy, scale) -> a number for each figure
    who: tuple = EVERYBODY
    afresh: bool = False  # each measurement is of a process that has done nothing before
    rounds_max: float = math.inf
    batch: Optional["Batch"] = None


def spent_on(proxy, prepare, finish):
    """CPU time, in ns, of a proxy that finds all that prepare() did waiting when it is let go, until nothing is left to do.
    So the load generator, which would be the limit, has no part in it, and each proxy is given the same. The broker looks
    only when the proxy is done: what waking it costs would depend on how often it had fallen asleep."""
    proxy.rest()
    with proxy.held():
        prepare()
        before = proxy.cpu_ns()
    proxy.rest()
    finish()
    proxy.rest()
    return proxy.cpu_ns() - before


# --- messages that wait ---------------------------------------------------------------------------------------------------


LEGS = (("publish",), ("publish", "answer"), ("publish", "answer", "release", "complete"))  # by QoS


@dataclass(frozen=True)
class Batch:
    """What each client sends, or is sent, while the proxy is held."""
    clients: int
    messages: int
    payload_bytes: int
    qos: int = 0
    at_once: int = 1  # messages to a record, or to a write of the broker's
    direction: str = "up"
    subscriptions: int = 0  # of each client

    def open(self, load, proxy):
        load("open", proxy.port, self.clients, self.subscriptions)

    def work_off(self, load, proxy):
        """CPU time, in ns, and the number of messages."""
        sent = 0

        def publish():
            nonlocal sent
            sent = load("publish", self.direction, self.messages, self.payload_bytes, self.qos, self.at_once)["messages"]

        spent = 0
        for leg in LEGS[self.qos]:
            go = publish if leg == "publish" else lambda: load(leg, self.direction)
            spent += spent_on(proxy, go, lambda: load("arrived"))
        return spent, sent

    def scaled(self, scale):
        return dataclasses.replace(self, clients=scale.clients(self.clients))


def relaying(batch, per=lambda batch: 1):
    """A measurement: CPU time per message, or per as many units as `per` says a message has."""

    def measure(load, proxy, scale):
        some = batch.scaled(scale)
        some.open(load, proxy)
        some.work_off(load, proxy)  # the kernel's buffers have found their sizes now
        cycles = [some.work_off(load, proxy) for _ in range(scale.cycles)]
        load("close")
        return [statistics.median(spent / sent for spent, sent in cycles) / per(batch)]

    return measure


def relay_row(figure, batch, **more):
    return Row((figure,), relaying(batch, **more), batch=batch)


# --- connections ----------------------------------------------------------------------------------------------------------


def visits_of(command, port_of):
    """CPU time per client of those that come and go, sixteen at a time."""

    def once(load, proxy, visits):
        proxy.rest()
        before = proxy.cpu_ns()
        load(command, port_of(proxy), visits, 16)
        proxy.rest()
        return (proxy.cpu_ns() - before) / visits

    def measure(load, proxy, scale):
        once(load, proxy, scale.visits)
        return [statistics.median(once(load, proxy, scale.visits) for _ in range(scale.cycles))]

    return measure


def refuse_at_accept(load, proxy, scale):
    knocks = scale.clients(200)

    def once():
        return spent_on(proxy, lambda: load("knock", proxy.port, knocks, DENIED), lambda: load("turned_away"))

    once()
    return [statistics.median(once() for _ in range(scale.cycles)) / knocks]


def idle_memory(load, proxy, scale):
    """Memory of so many clients beyond that of a few: what the first ones bring in is not theirs."""
    proxy.rest()
    resident = proxy.resident_bytes()
    load("visit", proxy.port, scale.clients(16), 16)
    proxy.rest()
    before = proxy.memory_bytes()
    load("open", proxy.port, scale.idle_clients, 0)
    proxy.rest()
    each = (proxy.memory_bytes() - before) / scale.idle_clients
    load("close")
    return [each, resident]


# --- time -----------------------------------------------------------------------------------------------------------------


def round_trips(interval_us):
    """Half and 99 % of the trips took at most so long; CPU time per trip."""

    def measure(load, proxy, scale):
        load("round_trips", proxy.port, scale.trips // 10, 256, 0)
        proxy.rest()
        before = proxy.cpu_ns()
        times = load("round_trips", proxy.port, scale.trips, 256, interval_us)
        proxy.rest()
        return [times["p50_ns"], times["p99_ns"], (proxy.cpu_ns() - before) / scale.trips]

    return measure


# --- the table ------------------------------------------------------------------------------------------------------------

US, KIB, MIB = 1e3, 1024, 1024 * 1024
ROWS = (
    relay_row(Figure("message", "256 B message, one to a wake-up", "µs", US, ratio_max=0.85), Batch(200, 1, 256)),
    relay_row(Figure("qos1", "the same at QoS 1 with its PUBACK", "µs", US, ratio_max=0.85), Batch(200, 1, 256, qos=1)),
    relay_row(Figure("waiting", "sixteen records waiting, per message", "µs", US, ratio_max=1), Batch(50, 16, 256)),
    relay_row(Figure("tiny", "16 B messages, 480 to a record", "ns", limit=150), Batch(20, 480, 16, at_once=480)),
    relay_row(Figure("large", "64 KiB messages, per byte", "ns", ratio_max=0.8), Batch(20, 1, 64 * KIB),
              per=lambda batch: batch.payload_bytes),
    Row((Figure("handshake", "full handshake to CONNACK and close", "µs", US, ratio_max=0.9),),
        visits_of("visit", lambda proxy: proxy.port)),
    Row((Figure("refuse_connect", "CONNECT without credentials, refused", "µs", US, ratio_max=0.85),),
        visits_of("strangers", lambda proxy: proxy.connect_port), who=("gate", "haproxy")),
    Row((Figure("refuse_accept", "refused at accept", "µs", US, ratio_max=1),), refuse_at_accept),
    Row((Figure("trip_p50", "ping-pong of 256 B, p50", "µs", US), Figure("trip_p99", "ping-pong of 256 B, p99", "µs", US),
         Figure("trip_cpu", "ping-pong of 256 B, CPU per round trip", "µs", US)), round_trips(0)),
    Row((Figure("paced_p50", "1,000 round trips a second, p50", "µs", US),
         Figure("paced_p99", "1,000 round trips a second, p99", "µs", US, ratio_max=1),
         Figure("paced_cpu", "1,000 round trips a second, CPU each", "µs", US)), round_trips(1000)),
    Row((Figure("idle", "idle TLS client, own memory", "KiB", KIB, limit=15),
         Figure("resident", "resident memory with no client", "MiB", MIB, limit=12)),
        idle_memory, afresh=True, rounds_max=3),
)

# What reading and judging everything costs, both ways, with few rules and with many, beside what relays and looks at nothing.
RIGHTS_ROWS = tuple(
    Row((Figure(f"{direction}_qos{qos}" + (f"_{subscriptions}" if subscriptions > 1 else ""),
                f"{direction} at QoS {qos}" + (f", {subscriptions:,} subscriptions" if subscriptions > 1 else ""), "µs", US),),
        relaying(batch), who=EVERYBODY + RULED, batch=batch)
    for direction in ("up", "down") for qos, subscriptions in ((0, 1), (0, 1000), (1, 1), (2, 1))
    for batch in (Batch(200, 1, 256, qos, direction=direction, subscriptions=subscriptions),))


def best_peer(by_target):
    """The peer with the lowest figure; None where no peer was measured."""
    return min((name for name in PEERS if name in by_target), key=lambda name: by_target[name], default=None)
