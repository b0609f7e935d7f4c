// TLS on the worker's buffers, against OpenSSL's own client.
#include "proxy/net/tls_stream.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "tests/unit/net/make_key_pair.hpp"
#include "tests/unit/net/pair.hpp"

namespace bastion::net {
namespace {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// A client whose every operation is tried once.
class Client {
 public:
  Client(int fd, int version) : context_{SSL_CTX_new(TLS_client_method())} {
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_security_level(context_.get(), 0);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd);
    SSL_set_connect_state(ssl_.get());
  }
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }
  [[nodiscard]] bool shake_hands() {
    ERR_clear_error();
    return SSL_do_handshake(ssl_.get()) == 1;
  }
  void write(std::string_view text) {
    EXPECT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
  }
  /// What can be read now.
  std::string read() {
    char buffer[16384];
    std::string text;
    for (;;) {
      ERR_clear_error();
      const int got = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (got <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(got));
    }
  }

 private:
  std::unique_ptr<SSL_CTX, FreeSsl> context_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

TlsSettings settings(Profile profile) {
  static const auto pem = test::ecdsa_pair();
  TlsSettings result;
  result.profile = profile;
  result.key_updates_max = 4;
  result.key_pairs.push_back(std::get<std::shared_ptr<const KeyPair>>(read_key_pair(pem.certificate, pem.key)));
  return result;
}

struct TlsStreamTest : ::testing::Test {
  IoContext context;
  boost::intrusive_ptr<test::Owner> owner{new test::Owner};
  Scratch scratch;
  TicketKeys keys{TicketKey::draw(), TicketKey::draw()};
  std::unique_ptr<TlsContext> tls_context = std::make_unique<TlsContext>(settings(Profile::intermediate), keys);
  test::Ends ends = test::connected_pair();
  std::unique_ptr<TlsStream> stream;
  std::unique_ptr<Client> client;

  void open(int version) {
    stream = std::make_unique<TlsStream>(context, *owner, *tls_context, scratch);
    stream->socket().adopt(std::move(ends.gate));
    client = std::make_unique<Client>(ends.peer.get(), version);
  }
  void await_readable() {
    stream->socket().want_read();
    test::run_until(context, [&] { return stream->may_read(); });
  }
  Handshake shake_hands() {
    auto state = Handshake::waiting;
    bool client_done = false;
    while (state == Handshake::waiting || (state == Handshake::done && !client_done)) {
      client_done = client->shake_hands();
      if (state == Handshake::waiting) {
        await_readable();
        state = stream->handshake();
      }
    }
    return state;
  }
  void establish(int version) {
    open(version);
    ASSERT_EQ(shake_hands(), Handshake::done);
  }
  std::string read(std::size_t bytes_max = Scratch::plain_bytes, IoStatus expected = IoStatus::done) {
    await_readable();
    const auto io = stream->read({scratch.plain.get(), bytes_max});
    EXPECT_EQ(io.status, expected);
    return {reinterpret_cast<const char*>(scratch.plain.get()), io.bytes};
  }
};

TEST_F(TlsStreamTest, CarriesBytesBothWaysInBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ends = test::connected_pair();
    establish(version);
    client->write("ping");
    EXPECT_EQ(read(), "ping");
    ASSERT_TRUE(stream->write(bytes_of("pong")));
    EXPECT_EQ(client->read(), "pong");
    EXPECT_EQ(stream->version(), version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
  }
}

TEST_F(TlsStreamTest, BringsAllRecordsThatWaitInOneRead) {
  establish(TLS1_3_VERSION);
  for (int i = 0; i < 16; ++i) client->write("record;");
  std::string expected;
  for (int i = 0; i < 16; ++i) expected += "record;";
  EXPECT_EQ(read(), expected);
}

TEST_F(TlsStreamTest, HoldsBackWhatTheCallerHasNoRoomFor) {
  establish(TLS1_3_VERSION);
  client->write("abcdef");
  client->write("ghi");
  EXPECT_EQ(read(4), "abcd");
  EXPECT_TRUE(stream->may_read()) << "though the socket itself is empty";
  EXPECT_EQ(read(100), "efghi");
}

TEST_F(TlsStreamTest, MayReadOnWithinARecordOfWhichOnlyAPartWasTaken) {
  establish(TLS1_3_VERSION);
  client->write("abcdef");
  EXPECT_EQ(read(4), "abcd");
  ASSERT_TRUE(stream->may_read()) << "the rest waits in no socket that could wake anybody";
  EXPECT_EQ(read(100), "ef");
  EXPECT_FALSE(stream->may_read());
}

TEST_F(TlsStreamTest, StopsAHandshakeThatGrowsWithoutEnd) {
  open(TLS1_3_VERSION);
  // A ClientHello that claims 100,000 bytes, in records of 16,000.
  std::vector<std::uint8_t> hello{0x16, 0x03, 0x01, 0x3e, 0x80, 0x01, 0x01, 0x86, 0xa0};
  hello.resize(5 + 16'000);
  const std::vector<std::uint8_t> header{0x16, 0x03, 0x01, 0x3e, 0x80};
  for (int i = 0; i < 2; ++i) {
    hello.insert(hello.end(), header.begin(), header.end());
    hello.resize(hello.size() + 16'000);
  }
  auto state = Handshake::waiting;
  std::size_t sent = 0;
  while (state == Handshake::waiting && sent < hello.size()) {
    const auto wrote = ::write(ends.peer.get(), hello.data() + sent, std::min<std::size_t>(hello.size() - sent, 8000));
    ASSERT_GT(wrote, 0);
    sent += static_cast<std::size_t>(wrote);
    await_readable();
    state = stream->handshake();
  }
  EXPECT_EQ(state, Handshake::failed);
  EXPECT_EQ(stream->failure(), TlsFailure::malformed);
  EXPECT_LT(sent, hello.size());
}

TEST_F(TlsStreamTest, ReadsFirstWhatItWasFed) {
  open(TLS1_3_VERSION);
  static_cast<void>(client->shake_hands());
  std::array<std::uint8_t, 3> first{};
  await_readable();
  const auto io = stream->socket().receive(first);
  ASSERT_EQ(io.bytes, 3U);
  stream->feed(first);
  EXPECT_EQ(stream->handshake(), Handshake::waiting) << "the ClientHello was whole: the answer is on its way";
  EXPECT_TRUE(client->shake_hands());
}

TEST_F(TlsStreamTest, TellsCloseNotifyBehindTheLastBytes) {
  establish(TLS1_3_VERSION);
  client->write("last words");
  SSL_shutdown(client->ssl());
  EXPECT_EQ(read(), "last words");
  EXPECT_TRUE(stream->may_read()) << "the end is still to be told";
  EXPECT_EQ(read(100, IoStatus::end), "");
}

TEST_F(TlsStreamTest, TellsAnEndWithoutCloseNotifyAsAnEnd) {
  establish(TLS1_3_VERSION);
  ends.peer.reset();
  EXPECT_EQ(read(100, IoStatus::end), "");
  EXPECT_FALSE(stream->misuse());
}

TEST_F(TlsStreamTest, NamesARecordThatDoesNotDecrypt) {
  establish(TLS1_3_VERSION);
  const std::array<std::uint8_t, 37> forged{0x17, 0x03, 0x03, 0x00, 0x20};
  ASSERT_EQ(::write(ends.peer.get(), forged.data(), forged.size()), 37);
  read(100, IoStatus::reset);
  EXPECT_EQ(stream->misuse(), TlsMisuse::bad_record);
  EXPECT_FALSE(stream->error().empty());
}

TEST_F(TlsStreamTest, GivesGoodBytesBeforeABadRecord) {
  establish(TLS1_3_VERSION);
  client->write("good");
  const std::array<std::uint8_t, 37> forged{0x17, 0x03, 0x03, 0x00, 0x20};
  ASSERT_EQ(::write(ends.peer.get(), forged.data(), forged.size()), 37);
  EXPECT_EQ(read(), "good");
  EXPECT_TRUE(stream->may_read());
  read(100, IoStatus::reset);
  EXPECT_EQ(stream->misuse(), TlsMisuse::bad_record);
}

TEST_F(TlsStreamTest, CountsKeyUpdatesAndStopsTheFlood) {
  establish(TLS1_3_VERSION);
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(SSL_key_update(client->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    client->write("x");
  }
  EXPECT_EQ(read(), "xxxx") << "four in a minute are allowed here";
  EXPECT_FALSE(stream->misuse());
  ASSERT_EQ(SSL_key_update(client->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  client->write("y");
  read(100, IoStatus::reset);
  EXPECT_EQ(stream->misuse(), TlsMisuse::key_update);
}

TEST_F(TlsStreamTest, RefusesRenegotiation) {
  establish(TLS1_2_VERSION);
  ASSERT_EQ(SSL_renegotiate(client->ssl()), 1);
  static_cast<void>(client->shake_hands());
  read(100, IoStatus::reset);
  EXPECT_EQ(stream->misuse(), TlsMisuse::renegotiation);
}

TEST_F(TlsStreamTest, NamesAVersionThatIsTooOld) {
  open(TLS1_1_VERSION);
  EXPECT_EQ(shake_hands(), Handshake::failed);
  EXPECT_EQ(stream->failure(), TlsFailure::version);
}

TEST_F(TlsStreamTest, ModernProfileRefusesTls12) {
  tls_context = std::make_unique<TlsContext>(settings(Profile::modern), keys);
  open(TLS1_2_VERSION);
  EXPECT_EQ(shake_hands(), Handshake::failed);
  EXPECT_EQ(stream->failure(), TlsFailure::version);
}

TEST_F(TlsStreamTest, NamesCiphersThatNobodyShares) {
  open(TLS1_2_VERSION);
  ASSERT_EQ(SSL_set_cipher_list(client->ssl(), "AES128-SHA"), 1);
  EXPECT_EQ(shake_hands(), Handshake::failed);
  EXPECT_EQ(stream->failure(), TlsFailure::cipher);
}

TEST_F(TlsStreamTest, AgreesOnMqttAndRefusesOtherProtocols) {
  open(TLS1_3_VERSION);
  const unsigned char both[] = "\x08http/1.1\x04mqtt";
  SSL_set_alpn_protos(client->ssl(), both, sizeof both - 1);
  ASSERT_EQ(shake_hands(), Handshake::done);
  const unsigned char* selected = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(client->ssl(), &selected, &length);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(selected), length), "mqtt");

  ends = test::connected_pair();
  open(TLS1_3_VERSION);
  const unsigned char other[] = "\x02h2\x08http/1.1";
  SSL_set_alpn_protos(client->ssl(), other, sizeof other - 1);
  EXPECT_EQ(shake_hands(), Handshake::failed);
  EXPECT_EQ(stream->failure(), TlsFailure::alpn);
}

TEST_F(TlsStreamTest, TellsAnAlertOfThePeersApart) {
  open(TLS1_3_VERSION);
  SSL_set_verify(client->ssl(), SSL_VERIFY_PEER, nullptr);  // knows no CA: will not like the certificate
  EXPECT_EQ(shake_hands(), Handshake::failed);
  EXPECT_EQ(stream->failure(), TlsFailure::peer_alert);
}

TEST_F(TlsStreamTest, SaysMalformedOfAHelloThatIsNone) {
  open(TLS1_3_VERSION);
  const std::array<std::uint8_t, 10> nonsense{0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0xff, 0xff, 0xff, 0xff};
  ASSERT_EQ(::write(ends.peer.get(), nonsense.data(), nonsense.size()), 10);
  await_readable();
  EXPECT_EQ(stream->handshake(), Handshake::failed);
  EXPECT_EQ(stream->failure(), TlsFailure::malformed);
}

TEST_F(TlsStreamTest, SendsTheSessionTicketAlongWithTheFirstAnswer) {
  establish(TLS1_3_VERSION);
  EXPECT_TRUE(stream->has_unsent());
  ASSERT_TRUE(stream->write(bytes_of("answer")));
  EXPECT_FALSE(stream->has_unsent());
  EXPECT_EQ(client->read(), "answer");
  EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get0_session(client->ssl())), 1);
}

TEST_F(TlsStreamTest, KeepsAnIdleConnectionWithoutBuffers) {
  establish(TLS1_2_VERSION);
  client->write(std::string(100'000, 'x'));
  std::size_t total = 0;
  while (total < 100'000) total += read().size();
  EXPECT_FALSE(stream->has_unsent());
  EXPECT_FALSE(stream->may_read());
}

TEST(TlsTicket, OpensWithThePreviousKeyAndNoOlderOne) {
  IoContext context;
  boost::intrusive_ptr<test::Owner> owner{new test::Owner};
  Scratch scratch;
  TicketKeys keys{TicketKey::draw(), TicketKey::draw()};
  const TlsContext tls_context{settings(Profile::intermediate), keys};
  const auto resumes_with = [&](SSL_SESSION* session, SSL_SESSION** next) {
    auto ends = test::connected_pair();
    TlsStream stream{context, *owner, tls_context, scratch};
    stream.socket().adopt(std::move(ends.gate));
    Client client{ends.peer.get(), TLS1_2_VERSION};
    if (session != nullptr) SSL_set_session(client.ssl(), session);
    auto state = Handshake::waiting;
    while (state == Handshake::waiting) {
      static_cast<void>(client.shake_hands());
      stream.socket().want_read();
      test::run_until(context, [&] { return stream.may_read(); });
      state = stream.handshake();
    }
    EXPECT_EQ(state, Handshake::done);
    static_cast<void>(client.shake_hands());
    if (next != nullptr) *next = SSL_get1_session(client.ssl());
    SSL_shutdown(client.ssl());  // a session that was cut off may not be resumed
    return stream.resumed();
  };
  SSL_SESSION* session = nullptr;
  EXPECT_FALSE(resumes_with(nullptr, &session));
  EXPECT_TRUE(resumes_with(session, nullptr));
  keys = {TicketKey::draw(), keys.current};
  EXPECT_TRUE(resumes_with(session, nullptr)) << "one rotation later";
  keys = {TicketKey::draw(), keys.current};
  EXPECT_FALSE(resumes_with(session, nullptr)) << "two rotations later";
  SSL_SESSION_free(session);
}

}  // namespace
}  // namespace bastion::net
