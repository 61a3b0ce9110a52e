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

// Where the labels that begin at `at` end, uncompressed as they are here.
size_t end_of_name(const Octets& reply, size_t at) {
  while (reply[at] != 0) at += 1 + size_t{reply[at]};
  return at + 1;
}

size_t first_answer(const Octets& reply) { return end_of_name(reply, 12) + 4; }

Octets pointer_loop(Octets reply) {
  const size_t at = first_answer(reply);
  const auto owner = reply.begin() + static_cast<long>(at);
  const Octets pointer = {static_cast<uint8_t>(0xc0 | at >> 8),
                          static_cast<uint8_t>(at)};
  reply.erase(owner, reply.begin() + static_cast<long>(end_of_name(reply, at)));
  reply.insert(reply.begin() + static_cast<long>(at), pointer.begin(),
               pointer.end());
  return reply;
}

// 192.0.2.200 of x.invalid.
Octets off_chain(Octets reply) {
  Octets record = encode_name("x.invalid");
  const Octets rest = {0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 200};
  record.insert(record.end(), rest.begin(), rest.end());
  reply.insert(reply.begin() + static_cast<long>(first_answer(reply)),
               record.begin(), record.end());
  if (++reply[7] == 0) ++reply[6];  // ANCOUNT
  return reply;
}

// Header and question.
Octets truncated(Octets reply) {
  reply.resize(first_answer(reply));
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
    case ReplyFault::kPointerLoop:
      return pointer_loop(std::move(reply));
    case ReplyFault::kOffChain:
      return off_chain(std::move(reply));
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
