// The OPT record of EDNS0 (RFC 6891): writes the options of our queries and
// reads those of replies that have a meaning here. Part of message.h, which is
// what others include.
#pragma once

#include <optional>

#include "core/dns/message.h"

namespace happy::dns {

// Appends the OPT record, padded so that the whole message in `writer` becomes
// a multiple of options.padding_block. It must be the last record.
void write_edns(Writer& writer, const QueryOptions& options);

// `record_class`, `ttl` and `rdata` are those of the OPT record. Unknown
// options are skipped; nullopt if an option does not fit into the rdata.
std::optional<Edns> read_edns(uint16_t record_class, uint32_t ttl,
                              Reader rdata);

// The name of a code in IANA's registry (RFC 8914 section 5.2), or "".
std::string_view extended_error_name(uint16_t code);

}  // namespace happy::dns
