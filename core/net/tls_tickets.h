// TLS session tickets: kept for one resolver as it was authenticated, and each
// used once (RFC 8446 appendix C.4), by this process or, where there is a store
// for it, by another. One thread only. A forked child forgets those of its
// parent.
#pragma once

#include <string>
#include <string_view>

#include "core/net/tls_authenticate.h"

namespace happy::tls {

// What a ticket is good for: this server, authenticated in this way and no
// other. `peer`: the octets of its sockaddr.
std::string ticket_key(const Authenticators& wanted, std::string_view peer);

// `data` as GnuTLS gives a session's. Of those that stay in the process the
// latest few of a key are kept. `store` may be nullptr.
void keep_ticket(const std::string& key, std::string data,
                 const happy_tls_tickets* store);
// Takes one out; empty: there is none.
std::string take_ticket(const std::string& key, const happy_tls_tickets* store);

}  // namespace happy::tls
