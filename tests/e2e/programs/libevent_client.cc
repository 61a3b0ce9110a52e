// Fetches a page by libevent's bufferevent, which tries one address of the
// list. Usage: e2e_libevent_client HOST PORT
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>

#include "tests/e2e/programs/fetch.h"

namespace {

void print(bufferevent* connection, void*) {
  char buffer[4096];
  size_t got;
  while ((got = bufferevent_read(connection, buffer, sizeof buffer)) > 0)
    std::fwrite(buffer, 1, got, stdout);
}

void note(bufferevent* connection, short what, void* failed) {
  if ((what & BEV_EVENT_CONNECTED) != 0) {
    bufferevent_write(connection, kRequest, sizeof kRequest - 1);
    return;
  }
  print(connection, nullptr);
  if ((what & BEV_EVENT_ERROR) != 0) {
    std::perror("connection");
    *static_cast<bool*>(failed) = true;
  }
  event_base_loopexit(bufferevent_get_base(connection), nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  event_base* const base = event_base_new();
  bufferevent* const connection =
      bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  bool failed = false;
  bufferevent_setcb(connection, print, nullptr, note, &failed);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
  // Without an evdns_base the name is resolved by getaddrinfo().
  if (bufferevent_socket_connect_hostname(connection, nullptr, AF_UNSPEC,
                                          argv[1], std::atoi(argv[2])) != 0) {
    std::fprintf(
        stderr, "%s\n",
        evutil_gai_strerror(bufferevent_socket_get_dns_error(connection)));
    return 1;
  }
  event_base_dispatch(base);
  bufferevent_free(connection);
  event_base_free(base);
  return failed ? 1 : 0;
}
