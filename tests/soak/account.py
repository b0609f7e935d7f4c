"""Two accounts of the same connections, the guests' and the gate's: each connection has to be in both, once, and alike."""
import collections
import threading
import time

# How a connection of each kind ends, where nothing else happens.
ENDINGS = {
    "talker": {"client_disconnect"},
    "visitor": {"client_disconnect"},
    "left_tcp": {"closed_early/no_data"},
    "left_in_hello": {"closed_early/in_hello"},
    "left_after_handshake": {"closed_early/after_handshake"},
    "left_in_connect": {"connect_truncated/-"},
    "left_in_publish": {"client_gone"},
    "silent_tcp": {"tls_timeout/no_data"},
    "silent_in_hello": {"tls_timeout/partial"},
    "silent_after_handshake": {"connect_timeout/no_data"},
    "silent_session": {"keepalive_timeout/silent"},
    "silent_in_packet": {"keepalive_timeout/partial"},
    "slow_reader": {"slow_reader/-"},
    "slow_hello": {"tls_timeout/partial"},
    "slow_connect": {"connect_timeout/no_data"},  # a TLS record that is not whole is nothing yet
    "slow_packet": {"keepalive_timeout/silent"},
    "wrong_password": {"bad_credentials/password"},
    "unknown_user": {"bad_credentials/user"},
    "anonymous": {"anonymous/no_user"},
    "denied_address": {"ip_denied/denied"},
    "unlisted_address": {"ip_denied/not_allowed"},
    "http": {"not_tls/http"},
    "garbage": {"not_tls/text"},
    "early_publish": {"packet_before_connect/publish"},
    "broken_connect": {"malformed_connect/protocol_name"},
    "broken_packet": {"malformed_packet/reserved"},
}
# A reset may overtake what was sent before it.
RESET_ENDINGS = {
    "left_tcp": {"closed_early/reset"},
    "left_in_hello": {"closed_early/reset"},
    "left_after_handshake": {"closed_early/reset", "closed_early/in_handshake"},
    "left_in_connect": {"closed_early/reset", "closed_early/in_handshake", "closed_early/after_handshake"},
}
# Mosquitto has the same keep alive to enforce, and may be first.
KEEP_ALIVE = {"silent_session", "silent_in_packet", "slow_packet"}
# What the broker's end, a reload and the gate's own end may make of it.
REACH_BROKER = {"talker", "visitor", "left_in_publish", "silent_session", "silent_in_packet", "slow_reader", "slow_packet",
                "broken_packet"}
BROKER_GONE = {"upstream_closed", "upstream_unavailable/refused", "upstream_unavailable/reset", "upstream_unavailable/other"}
FICKLE = {"evicted/reload", "ip_denied/denied", "not_authorized/role"}
DRAINED = {"evicted/shutdown"}
# Where the guests themselves had no processor.
TOO_LATE = {"tls_timeout/no_data", "tls_timeout/partial", "connect_timeout/no_data", "keepalive_timeout/silent",
            "keepalive_timeout/partial", "slow_reader/-"}

MAY_NOT_ENTER = ENDINGS.keys() - REACH_BROKER
TURNED_AWAY_AT_ACCEPT = {"denied_address", "unlisted_address"}
INSPECTOR = "127.0.0.9"  # the soak itself, which looks at the certificate
SLACK_S = 2  # between what happens and when either side writes it down


class Verdict:
    """Promises that were broken: a sentence for each, with how often and a few examples."""

    def __init__(self):
        self._lock = threading.Lock()
        self._broken = collections.defaultdict(list)

    def broken(self, sentence, example=""):
        with self._lock:
            self._broken[sentence].append(example)

    def expect(self, holds, sentence, example=""):
        if not holds:
            self.broken(sentence, example)

    def __bool__(self):
        return not self._broken

    def lines(self):
        for sentence, examples in sorted(self._broken.items()):
            told = "; ".join(str(example) for example in examples[:3] if example)
            yield f"{sentence} ({len(examples)} times{': ' + told if told else ''})"


class Windows:
    """Stretches of time in which something was so."""

    def __init__(self):
        self._stretches = []

    def begin(self):
        self._stretches.append([time.monotonic(), None])

    def end(self):
        self._stretches[-1][1] = time.monotonic()

    def add(self, begun, ended):
        self._stretches.append([begun, ended])

    def seconds(self):
        return sum(ended - begun for begun, ended in self._stretches)

    def meet(self, begun, ended):
        return any(since - SLACK_S <= ended and (until is None or begun <= until + SLACK_S)
                   for since, until in list(self._stretches))

    def __len__(self):
        return len(self._stretches)


class Account:
    def __init__(self, verdict):
        self.verdict = verdict
        self.outages, self.drains, self.lapses = Windows(), Windows(), Windows()
        self.guests_by_kind = collections.Counter()
        self.sessions_by_kind = collections.Counter()
        self.endings = collections.Counter()  # of the gate that runs
        self.begun_at = []
        self._lock = threading.Lock()
        self._guests = collections.defaultdict(list)
        self._endings = collections.defaultdict(list)

    # --- from the threads that read ---

    def guest(self, guest):
        with self._lock:
            self.guests_by_kind[guest.kind] += 1
            self.sessions_by_kind[guest.kind] += guest.code == "0"
            self.begun_at.append(guest.begun)
            self._guests[guest.client].append(guest)
        self.verdict.expect(not guest.trouble, "a guest was treated otherwise than MQTT and the policy say",
                            f"{guest.kind} {guest.client}: {guest.trouble}")
        if guest.kind in MAY_NOT_ENTER:
            self.verdict.expect(guest.code != "0", "somebody was admitted who should not have been", guest)
        if guest.kind in TURNED_AWAY_AT_ACCEPT:
            self.verdict.expect(guest.heard == 0, "an address that is denied was sent something", guest)

    def ending(self, client, ending, at):
        with self._lock:
            self.endings[ending] += 1
            if not client.startswith(INSPECTOR + ":"):
                self._endings[client].append((at, ending))

    # --- comparing ---

    def allowed(self, guest):
        allowed = set(ENDINGS[guest.kind])
        if guest.resets:
            allowed |= RESET_ENDINGS.get(guest.kind, set())
        if guest.kind in REACH_BROKER and self.outages.meet(guest.begun, guest.ended):
            allowed |= BROKER_GONE
        if guest.kind in KEEP_ALIVE:
            allowed.add("upstream_closed")
        if guest.fickle:
            allowed |= FICKLE
        if self.drains.meet(guest.begun, guest.ended):
            allowed |= DRAINED
        if self.lapses.meet(guest.begun, guest.ended):
            allowed |= TOO_LATE
        return allowed

    def compare(self):
        """All connections that both know have ended. One that a gate in its drain never took is in one account only."""
        with self._lock:
            guests, self._guests = self._guests, collections.defaultdict(list)
            endings, self._endings = self._endings, collections.defaultdict(list)
        for client in guests.keys() | endings.keys():
            theirs = sorted(guests[client], key=lambda guest: guest.begun)
            ours = [ending for _, ending in endings[client]]
            if len(theirs) > len(ours):
                theirs = [guest for guest in theirs if guest.heard or not self.drains.meet(guest.begun, guest.ended)]
            if len(theirs) != len(ours):
                self.verdict.broken("a connection was not counted exactly once",
                                    f"{client}: {[guest.kind for guest in theirs]} ended as {ours}")
                continue
            for guest, ending in zip(theirs, ours):
                self.verdict.expect(ending in self.allowed(guest), f"a {guest.kind} ended otherwise than it should have",
                                    f"{guest.client} as {ending}, code {guest.code}, {guest.ended - guest.begun:.1f} s")

    def forget(self):
        """A gate was killed: what it had no time to write down is nobody's fault. What it has written must be right."""
        with self._lock:
            guests, self._guests = self._guests, collections.defaultdict(list)
            endings, self._endings = self._endings, collections.defaultdict(list)
            self.endings.clear()
        for client, ended in endings.items():
            for _, ending in ended:
                fits = any(ending in self.allowed(guest) for guest in guests[client])
                self.verdict.expect(fits or not guests[client], "a connection ended otherwise than it should have",
                                    f"{client} as {ending}")
