// Naming what a peer speaks, for the account.
#include "proxy/inspect/foreign.hpp"

namespace bastion::inspect {

Cause cause_of(origin::Guess guess) {
  switch (guess) {
    case origin::Guess::tls:
    case origin::Guess::need_more:
      return Cause::tls;
    case origin::Guess::http:
      return Cause::http;
    case origin::Guess::http_connect:
      return Cause::http_connect;
    case origin::Guess::websocket:
      return Cause::websocket;
    case origin::Guess::ssh:
      return Cause::ssh;
    case origin::Guess::rdp:
      return Cause::rdp;
    case origin::Guess::smb:
      return Cause::smb;
    case origin::Guess::socks:
      return Cause::socks;
    case origin::Guess::redis:
      return Cause::redis;
    case origin::Guess::telnet:
      return Cause::telnet;
    case origin::Guess::adb:
      return Cause::adb;
    case origin::Guess::sslv2:
      return Cause::sslv2;
    case origin::Guess::proxy_header:
      return Cause::proxy_header;
    case origin::Guess::text:
      return Cause::text;
    case origin::Guess::mqtt:
      return Cause::mqtt;
    case origin::Guess::binary:
      break;
  }
  return Cause::binary;
}

}  // namespace bastion::inspect
