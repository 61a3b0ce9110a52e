// Faults of a reply's own octets.
#include "tests/support/dot_zone.h"

namespace happy::test {
namespace {

constexpr size_t kLargestMessage = 65535;

// Section 3.2.1 of RFC 1035: a record of the root with a type for private use
// (RFC 6895 section 3.1), as long as there is room.
Octets fill_up(Octets reply) {
  const size_t rdata = kLargestMessage - reply.size() - 11;
  const Octets record = {0,
                         0xff,
                         0x00,
                         0,
                         1,
                         0,
                         0,
                         0,
                         0,
                         static_cast<uint8_t>(rdata >> 8),
                         static_cast<uint8_t>(rdata)};
  reply.insert(reply.end(), record.begin(), record.end());
  reply.resize(kLargestMessage);
  if (++reply[11] == 0) ++reply[10];  // ARCOUNT
  return reply;
}

// Header and question; where the question ends is where its labels do.
Octets truncated(Octets reply) {
  size_t end = 12;
  while (reply[end] != 0) end += 1 + size_t{reply[end]};
  reply.resize(end + 5);
  reply[2] |= 0x02;
  for (size_t i = 6; i < 12; ++i) reply[i] = 0;
  return reply;
}

}  // namespace

Octets spoil(Octets reply, ReplyFault fault) {
  switch (fault) {
    case ReplyFault::kTruncated:
      return truncated(std::move(reply));
    case ReplyFault::kShortRdata:
      reply.resize(reply.size() - 2);
      return reply;
    case ReplyFault::kGarbage:
      return {0xde, 0xad};
    case ReplyFault::kEmpty:
      return {};
    case ReplyFault::kOneOctet:
      return {0};
    case ReplyFault::kLargest:
      return fill_up(std::move(reply));
    case ReplyFault::kNone:
    case ReplyFault::kDrop:
    case ReplyFault::kWrongId:
    case ReplyFault::kWrongQuestion:
    case ReplyFault::kTwice:
    case ReplyFault::kUnsolicited:
    case ReplyFault::kCloseBefore:
    case ReplyFault::kCloseInside:
    case ReplyFault::kCloseAfter:
    case ReplyFault::kHalfClose:
    case ReplyFault::kReset:
    case ReplyFault::kResetInside:
      return reply;
  }
  return reply;
}

}  // namespace happy::test
