// TLS session tickets of this process: kept for one resolver as it was
// authenticated, and each used once (RFC 8446 appendix C.4). One thread only. A
// forked child forgets those of its parent.
#pragma once

#include <string>
#include <string_view>

#include "core/net/tls_authenticate.h"

namespace happy::tls {

// What a ticket is good for: this server, authenticated in this way and no
// other. `peer`: the octets of its sockaddr.
std::string ticket_key(const Authenticators& wanted, std::string_view peer);

// `data` as GnuTLS gives a session's. The latest few of a key are kept.
void keep_ticket(const std::string& key, std::string data);
// Takes one out; empty: there is none.
std::string take_ticket(const std::string& key);

}  // namespace happy::tls
