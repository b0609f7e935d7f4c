// Refusals before and within TLS: nothing is answered in MQTT.
#include <poll.h>

#include "tests/integration/trigger.hpp"
#include "tests/support/tls_records.hpp"

namespace bastion::test {
namespace {

TlsChoice only(int version) {
  TlsChoice choice;
  choice.version_min = choice.version_max = version;
  return choice;
}

Refusal failed(Cause cause) {
  return {Reason::tls_handshake_failed, cause};
}
Refusal misused(Cause cause) {
  return {Reason::tls_misuse, cause};
}
Refusal left(Cause cause) {
  return {Reason::closed_early, cause};
}

/// Clients of a table of what they do; each has just connected.
Trigger row(Refusal refusal, std::string variant, std::function<ByteVector(ScriptedClient&)> act, EditPolicy policy = {}) {
  return {refusal, std::move(variant), std::move(policy), [act = std::move(act)](Scene& scene, auto&) {
            auto client = scene.dial();
            return act(client);
          }};
}

/// The handshake fails; `why` is the alert that the client must have been sent.
Trigger failing(Cause cause, const TlsChoice& choice, const std::string& why) {
  return row(failed(cause), "", [=](ScriptedClient& client) {
    if (client.try_tls(choice)) throw std::runtime_error{"the handshake succeeded"};
    if (client.tls_error().find(why) == std::string::npos) throw std::runtime_error{"another alert: " + client.tls_error()};
    client.skip_raw_to_end();
    return ByteVector{};
  });
}

Trigger raw_bytes(Refusal refusal, std::string variant, const ByteVector& sent) {
  return row(refusal, std::move(variant), [=](ScriptedClient& client) {
    client.send(sent);
    return client.read_to_end();
  });
}

void add_timeouts(std::vector<Trigger>& to) {
  const EditPolicy soon = [](PolicyBuilder& policy) { policy.set("tls.handshake_timeout", R"("50ms")"); };
  const auto begun = [&](Cause cause, const std::string& variant, std::size_t bytes) {
    to.push_back(row(
        {Reason::tls_timeout, cause}, variant,
        [=](ScriptedClient& client) {
          const auto hello = client.begin_tls();
          client.send_raw({hello.data(), std::min(bytes, hello.size())});
          // What comes is the server's part of a handshake that is never finished.
          client.skip_raw_to_end();
          return ByteVector{};
        },
        soon));
  };
  begun(Cause::no_data, "", 0);
  begun(Cause::partial, "one_byte", 1);
  begun(Cause::partial, "half_a_hello", 60);
  begun(Cause::partial, "no_finished", 10'000);
}

void add_early_ends(std::vector<Trigger>& to) {
  const auto leaves = [&](Cause cause, const std::string& variant, std::size_t hello_bytes, bool hears) {
    to.push_back(row(left(cause), variant, [=](ScriptedClient& client) {
      const auto hello = client.begin_tls();
      client.send_raw({hello.data(), std::min(hello_bytes, hello.size())});
      if (hears) client.skip_raw();
      client.Peer::close_write();
      client.skip_raw_to_end();
      return ByteVector{};
    }));
  };
  leaves(Cause::no_data, "", 0, false);
  leaves(Cause::in_hello, "two_bytes", 2, false);
  leaves(Cause::in_hello, "half_a_hello", 60, false);
  leaves(Cause::in_handshake, "", 10'000, true);
  to.push_back(row(left(Cause::reset), "at_once", [](ScriptedClient& client) {
    client.reset();
    return ByteVector{};
  }));
  to.push_back(row(left(Cause::reset), "in_handshake", [](ScriptedClient& client) {
    client.send_raw(client.begin_tls());
    static_cast<void>(await_events(client.fd(), POLLIN, "the server's hello"));
    client.reset();
    return ByteVector{};
  }));
  to.push_back(row(left(Cause::after_handshake), "", [](ScriptedClient& client) {
    client.start_tls();
    client.close_write();
    return client.read_to_end();
  }));
}

void add_failures(std::vector<Trigger>& to) {
  to.push_back(failing(Cause::version, only(TLS1_1_VERSION), "protocol version"));
  auto weak = only(TLS1_2_VERSION);
  weak.ciphers = "AES128-SHA";
  to.push_back(failing(Cause::cipher, weak, "handshake failure"));
  TlsChoice browser;
  browser.protocols = {"h2", "http/1.1"};
  to.push_back(failing(Cause::alpn, browser, "no application protocol"));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    to.push_back(row(failed(Cause::peer_alert), version == TLS1_2_VERSION ? "v1_2" : "v1_3", [=](ScriptedClient& client) {
      auto suspicious = only(version);
      suspicious.verifies = true;
      if (client.try_tls(suspicious)) throw std::runtime_error{"the client trusts anybody"};
      client.skip_raw_to_end();
      return ByteVector{};
    }));
  }
  to.push_back(row(failed(Cause::malformed), "server_hello", [](ScriptedClient& client) {
    client.send(bytes("16 0301 0004 02000000"));
    client.skip_raw_to_end();
    return ByteVector{};
  }));
  to.push_back(row(failed(Cause::malformed), "empty_client_hello", [](ScriptedClient& client) {
    client.send(bytes("16 0301 0004 01000000"));
    client.skip_raw_to_end();
    return ByteVector{};
  }));
}

void add_misuses(std::vector<Trigger>& to) {
  to.push_back(row(misused(Cause::renegotiation), "", [](ScriptedClient& client) {
    client.start_tls(only(TLS1_2_VERSION));
    client.renegotiate();
    return client.read_to_end();
  }));
  to.push_back(row(
      misused(Cause::key_update), "",
      [](ScriptedClient& client) {
        client.start_tls(only(TLS1_3_VERSION));
        for (int i = 0; i < 4; ++i) client.update_key();
        client.send(bytes("10"));
        return client.read_to_end();
      },
      [](PolicyBuilder& policy) { policy.set("tls.key_updates_max", "3"); }));
  to.push_back(row(misused(Cause::bad_record), "", [](ScriptedClient& client) {
    client.start_tls();
    client.send_raw(bytes("17 0303 0020") + noise(32, 1));
    static_cast<void>(client.read_to_end());
    return ByteVector{};
  }));
  to.push_back(row(misused(Cause::alert_flood), "", [](ScriptedClient& client) {
    auto choice = only(TLS1_2_VERSION);
    choice.ciphers = RecordSealer::cipher;
    client.start_tls(choice);
    RecordSealer sealer{client};
    // A warning that a user cancelled something, and a byte of a CONNECT between them, which is not in a row.
    const auto connect = make_connect();
    for (std::size_t i = 0; i < 9; ++i) {
      client.send_raw(sealer.seal(RecordSealer::alert, bytes("01 5a")));
      client.send_raw(sealer.seal(RecordSealer::application_data, {&connect[i], 1}));
    }
    static_cast<void>(client.read_to_end());
    return ByteVector{};
  }));
}

}  // namespace

std::vector<Greeting> foreign_greetings() {
  return {
      {"http", Cause::http, raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
      {"http_post", Cause::http, raw("POST /cgi-bin/a HTTP/1.1\r\n")},
      {"http_connect", Cause::http_connect, raw("CONNECT a:443 HTTP/1.1\r\n\r\n")},
      {"websocket", Cause::websocket, raw("GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")},
      {"ssh", Cause::ssh, raw("SSH-2.0-Go\r\n")},
      {"rdp", Cause::rdp, bytes("0300002b 26e00000 000000 'Cookie: mstshash=hello' 0d0a")},
      {"smb", Cause::smb, bytes("00000085 ff 'SMB' 72 00000000")},
      {"socks4", Cause::socks, bytes("04 01 0050 01020304 00")},
      {"socks5", Cause::socks, bytes("05 01 00")},
      {"redis", Cause::redis, raw("*1\r\n$4\r\nPING\r\n")},
      {"telnet", Cause::telnet, bytes("fffd03 fffb18")},
      {"telnet_worm", Cause::telnet, raw("enable\r\nsystem\r\nshell\r\n")},
      {"adb", Cause::adb, bytes("'CNXN' 00000001 00100000")},
      {"sslv2", Cause::sslv2, bytes("802e 01 0002 0015 0000 0010")},
      {"proxy_v1", Cause::proxy_header, raw("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")},
      {"proxy_v2", Cause::proxy_header, raw("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c")},
      {"text", Cause::text, raw("hello, is anybody there?\r\n")},
      {"binary", Cause::binary, bytes("00 01 02 03 04 05")},
  };
}

std::vector<Trigger> tls_triggers() {
  std::vector<Trigger> triggers;
  for (const auto& [name, cause, greeting] : foreign_greetings()) {
    triggers.push_back(raw_bytes({Reason::not_tls, cause}, name, greeting));
  }
  triggers.push_back(raw_bytes({Reason::not_tls, Cause::mqtt}, "", make_connect()));
  add_timeouts(triggers);
  add_early_ends(triggers);
  add_failures(triggers);
  add_misuses(triggers);
  return triggers;
}

}  // namespace bastion::test
