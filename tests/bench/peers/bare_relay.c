/* A relay that inspects nothing: what TLS to TCP costs at the least with this OpenSSL. A limit to measure by, no product.
 *
 *   bare_relay CERTIFICATE KEY BROKER_PORT DENIED_ADDRESS [LOSE]
 *
 * Listens on a port of 127.0.0.1 that the kernel chooses and prints it; refuses DENIED_ADDRESS at accept; dials the broker
 * once a client's handshake is done. One process, one thread, level-triggered epoll, OpenSSL on the descriptor. One receive
 * takes all that waits and one send passes it on. With LOSE, what the so-manieth read brought is lost, to see whether
 * anybody notices. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { events_max = 256, read_max = 64 << 10, plain_max = 128 << 10, backlog = 4096 };

/* What a receiver did not take at once. While there is any, its sender is not read. */
struct unsent {
  unsigned char* bytes;
  size_t size, sent;
};

struct session;

struct end {
  struct session* session;
  int fd;
  unsigned watched;
};

struct session {
  struct end client, broker;
  struct unsent to_client, to_broker;
  SSL* ssl;
  bool relays, over;
  struct session* next_over;
};

static int epoll_fd, listen_fd;
static struct sockaddr_in broker_address;
static struct in_addr denied;
static SSL_CTX* context;
static long reads, lost_read;
static struct session* sessions_over;
static unsigned char buffer[plain_max];

static void die(const char* what) {
  fprintf(stderr, "bare_relay: %s: %s\n", what, strerror(errno));
  ERR_print_errors_fp(stderr);
  exit(1);
}

static void watch(struct end* end, unsigned events) {
  if (end->fd < 0 || end->watched == events) return;
  struct epoll_event event = {.events = events, .data = {.ptr = end}};
  int operation = end->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(epoll_fd, operation, end->fd, &event) != 0) die("epoll_ctl");
  end->watched = events;
}

/* Its memory goes once all events in hand have been seen: one of them may name it. */
static void finish(struct session* session) {
  if (session->over) return;
  session->over = true;
  session->next_over = sessions_over;
  sessions_over = session;
}

static void free_finished(void) {
  while (sessions_over != NULL) {
    struct session* session = sessions_over;
    sessions_over = session->next_over;
    if (session->relays) SSL_shutdown(session->ssl);
    SSL_free(session->ssl);
    close(session->client.fd);
    if (session->broker.fd >= 0) close(session->broker.fd);
    free(session->to_client.bytes);
    free(session->to_broker.bytes);
    free(session);
  }
}

static void keep(struct unsent* unsent, const unsigned char* bytes, size_t size) {
  unsent->bytes = malloc(size);
  if (unsent->bytes == NULL) die("malloc");
  memcpy(unsent->bytes, bytes, size);
  unsent->size = size;
  unsent->sent = 0;
}

static void forget(struct unsent* unsent) {
  free(unsent->bytes);
  memset(unsent, 0, sizeof *unsent);
}

/* How much was taken; -1: the connection is broken. */
static ssize_t send_to_broker(struct session* session, const unsigned char* bytes, size_t size) {
  ssize_t sent = send(session->broker.fd, bytes, size, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINPROGRESS ? 0 : -1;
}

static ssize_t send_to_client(struct session* session, const unsigned char* bytes, size_t size) {
  size_t written = 0, total = 0;
  while (total < size) {
    ERR_clear_error();
    if (SSL_write_ex(session->ssl, bytes + total, size - total, &written) != 1) {
      int error = SSL_get_error(session->ssl, 0);
      return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? (ssize_t)total : -1;
    }
    total += written;
  }
  return (ssize_t)total;
}

typedef ssize_t sender(struct session*, const unsigned char*, size_t);

/* False: the connection is broken. */
static bool pass_on(struct session* session, sender* send_on, struct unsent* unsent, size_t size) {
  ssize_t sent = send_on(session, buffer, size);
  if (sent < 0) return false;
  if ((size_t)sent < size) keep(unsent, buffer + sent, size - (size_t)sent);
  return true;
}

static bool flush(struct session* session, sender* send_on, struct unsent* unsent) {
  if (unsent->size == 0) return true;
  ssize_t sent = send_on(session, unsent->bytes + unsent->sent, unsent->size - unsent->sent);
  if (sent < 0) return false;
  unsent->sent += (size_t)sent;
  if (unsent->sent == unsent->size) forget(unsent);
  return true;
}

/* All records that one receive brought, in one send. */
static bool relay_up(struct session* session) {
  size_t total = 0;
  int error = SSL_ERROR_NONE;
  do {
    size_t bytes = 0;
    ERR_clear_error();
    if (SSL_read_ex(session->ssl, buffer + total, sizeof buffer - total, &bytes) != 1) {
      error = SSL_get_error(session->ssl, 0);
      break;
    }
    total += bytes;
  } while (total < sizeof buffer && SSL_has_pending(session->ssl));
  bool lose = total > 0 && ++reads == lost_read;
  if (total > 0 && !lose && !pass_on(session, send_to_broker, &session->to_broker, total)) return false;
  return error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ;
}

static bool relay_down(struct session* session) {
  ssize_t received = recv(session->broker.fd, buffer, read_max, 0);
  if (received < 0) return errno == EAGAIN;
  return received > 0 && pass_on(session, send_to_client, &session->to_client, (size_t)received);
}

static bool dial(struct session* session) {
  const int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  session->broker.fd = fd;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connect(fd, (struct sockaddr*)&broker_address, sizeof broker_address) == 0 || errno == EINPROGRESS;
}

static bool shake_hands(struct session* session) {
  ERR_clear_error();
  int result = SSL_do_handshake(session->ssl);
  if (result == 1) {
    session->relays = true;
    /* The client's first packet may have come along with the end of its handshake: epoll will not tell. */
    return dial(session) && (!SSL_has_pending(session->ssl) || relay_up(session));
  }
  int error = SSL_get_error(session->ssl, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* Reads a side only while the other one takes what it brings. */
static void watch_both(struct session* session) {
  if (!session->relays) {
    watch(&session->client, EPOLLIN);
    return;
  }
  bool up_blocked = session->to_broker.size > 0, down_blocked = session->to_client.size > 0;
  watch(&session->client, (up_blocked ? 0u : EPOLLIN) | (down_blocked ? EPOLLOUT : 0u));
  watch(&session->broker, (down_blocked ? 0u : EPOLLIN) | (up_blocked ? EPOLLOUT : 0u));
}

static bool step(struct end* end, unsigned events) {
  struct session* session = end->session;
  if (!session->relays) return shake_hands(session);
  if (!flush(session, send_to_client, &session->to_client) || !flush(session, send_to_broker, &session->to_broker))
    return false;
  if ((events & ~(unsigned)EPOLLOUT) == 0) return true;
  if (end == &session->client) return session->to_broker.size > 0 || relay_up(session);
  return session->to_client.size > 0 || relay_down(session);
}

static void open_session(int fd) {
  struct session* session = calloc(1, sizeof *session);
  if (session == NULL) die("calloc");
  session->client = (struct end){session, fd, 0};
  session->broker = (struct end){session, -1, 0};
  session->ssl = SSL_new(context);
  if (session->ssl == NULL || SSL_set_fd(session->ssl, fd) != 1) die("SSL_new");
  SSL_set_accept_state(session->ssl);
  watch_both(session);
}

static void accept_all(void) {
  for (;;) {
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int fd = accept4(listen_fd, (struct sockaddr*)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno == EAGAIN) return;
    if (fd < 0) die("accept");
    if (peer.sin_addr.s_addr == denied.s_addr) {
      close(fd);
    } else {
      open_session(fd);
    }
  }
}

static void listen_somewhere(void) {
  const int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listen_fd < 0 || setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) die("socket");
  if (bind(listen_fd, (struct sockaddr*)&address, length) != 0 || listen(listen_fd, backlog) != 0) die("listen");
  if (getsockname(listen_fd, (struct sockaddr*)&address, &length) != 0) die("getsockname");
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event) != 0) die("epoll_ctl");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
}

/* The gate's own settings (proxy/net/tls_context.cpp), and OpenSSL's buffer for what one receive brings. */
static void set_up_tls(const char* certificate, const char* key) {
  context = SSL_CTX_new(TLS_server_method());
  if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
    die("certificate and key");
  }
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, read_max);
}

int main(int argc, char** argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: bare_relay CERTIFICATE KEY BROKER_PORT DENIED_ADDRESS [LOSE]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  /* OpenSSL frees its buffer for records after each: the heap is not to be given back and asked for again as often. */
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  set_up_tls(argv[1], argv[2]);
  broker_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  broker_address.sin_port = htons((unsigned short)strtoul(argv[3], NULL, 10));
  if (inet_pton(AF_INET, argv[4], &denied) != 1) die("the address to deny");
  if (argc > 5) lost_read = strtol(argv[5], NULL, 10);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) die("epoll_create1");
  listen_somewhere();
  for (;;) {
    static struct epoll_event events[events_max];
    int count = epoll_wait(epoll_fd, events, events_max, -1);
    for (int i = 0; i < count; ++i) {
      struct end* end = events[i].data.ptr;
      if (end == NULL) {
        accept_all();
      } else if (!end->session->over) {
        if (step(end, events[i].events)) {
          watch_both(end->session);
        } else {
          finish(end->session);
        }
      }
    }
    free_finished();
  }
}
