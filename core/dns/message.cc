#include "core/dns/message.h"

#include <algorithm>

#include "core/dns/edns.h"

namespace happy::dns {
namespace {

constexpr size_t kHeaderSize = 12;
constexpr uint16_t kRecursionDesired = 0x0100;

struct Counts {
  uint16_t questions = 0, answers = 0, authorities = 0, additionals = 0;
};

Header header_of(uint16_t id, uint16_t flags) {
  return {.id = id,
          .response = (flags & 0x8000) != 0,
          .opcode = static_cast<uint8_t>(flags >> 11 & 0xf),
          .authoritative = (flags & 0x0400) != 0,
          .truncated = (flags & 0x0200) != 0,
          .recursion_desired = (flags & 0x0100) != 0,
          .recursion_available = (flags & 0x0080) != 0,
          .authentic_data = (flags & 0x0020) != 0,
          .checking_disabled = (flags & 0x0010) != 0};
}

// What every record has in common, and the reach of its rdata.
struct RecordHead {
  Name owner;
  Type type;
  uint16_t record_class;
  uint32_t ttl;
  size_t rdata_end;
};

class Decoder {
 public:
  explicit Decoder(std::span<const uint8_t> bytes) : reader_(bytes) {}

  tl::expected<Message, DecodeError> run();

 private:
  using Failure = std::optional<DecodeError>;  // nullopt: all is well

  Failure read_header(Counts& counts);
  Failure read_questions(size_t count);
  Failure read_section(size_t count, std::vector<Record>& out);
  Failure read_head(RecordHead& head);
  Failure read_opt(const RecordHead& head, Reader rdata);

  Reader reader_;
  Message message_;
};

std::optional<IpAddress> read_address(Reader& rdata, Family family) {
  const auto octets = rdata.take(family == Family::kIpv4 ? 4 : 16);
  if (!octets || rdata.remaining() != 0) return std::nullopt;
  IpAddress out{.family = family};
  std::copy(octets->begin(), octets->end(), out.bytes.begin());
  return out;
}

std::optional<Soa> read_soa(Reader& rdata) {
  auto primary = Name::read(rdata);
  if (!primary) return std::nullopt;
  auto mailbox = Name::read(rdata);
  if (!mailbox || rdata.remaining() != 20) return std::nullopt;
  return Soa{.primary = std::move(*primary),
             .mailbox = std::move(*mailbox),
             .serial = *rdata.u32(),
             .refresh = *rdata.u32(),
             .retry = *rdata.u32(),
             .expire = *rdata.u32(),
             .minimum = *rdata.u32()};
}

template <typename T>
std::optional<RecordData> as_data(std::optional<T> value) {
  if (!value) return std::nullopt;
  return RecordData(std::move(*value));
}

RecordData read_raw(Reader& rdata) {
  const auto octets = rdata.take(rdata.remaining());
  return RawData{{octets->begin(), octets->end()}};
}

// `rdata` ends where the record ends. nullopt if its content does not fit.
std::optional<RecordData> read_data(const RecordHead& head, Reader rdata) {
  if (head.record_class != kClassIn) return read_raw(rdata);
  switch (head.type) {
    case Type::kA:
      return as_data(read_address(rdata, Family::kIpv4));
    case Type::kAaaa:
      return as_data(read_address(rdata, Family::kIpv6));
    case Type::kSoa:
      return as_data(read_soa(rdata));
    case Type::kCname:
    case Type::kPtr: {
      auto target = Name::read(rdata);
      if (rdata.remaining() != 0) return std::nullopt;
      return as_data(std::move(target));
    }
    case Type::kNs:
    case Type::kMx:
    case Type::kTxt:
    case Type::kOpt:
    case Type::kHttps:
      break;
  }
  return read_raw(rdata);
}

std::optional<DecodeError> Decoder::read_header(Counts& counts) {
  if (reader_.remaining() < kHeaderSize) return DecodeError::kShort;
  const uint16_t id = *reader_.u16();
  const uint16_t flags = *reader_.u16();
  message_.header = header_of(id, flags);
  message_.rcode = static_cast<Rcode>(flags & 0xf);
  counts = {.questions = *reader_.u16(),
            .answers = *reader_.u16(),
            .authorities = *reader_.u16(),
            .additionals = *reader_.u16()};
  return std::nullopt;
}

std::optional<DecodeError> Decoder::read_questions(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (reader_.remaining() == 0) return DecodeError::kShort;
    auto name = Name::read(reader_);
    if (!name) return DecodeError::kName;
    const auto type = reader_.u16();
    const auto record_class = reader_.u16();
    if (!type || !record_class) return DecodeError::kShort;
    message_.questions.push_back(
        {std::move(*name), static_cast<Type>(*type), *record_class});
  }
  return std::nullopt;
}

std::optional<DecodeError> Decoder::read_head(RecordHead& head) {
  if (reader_.remaining() == 0) return DecodeError::kShort;
  auto owner = Name::read(reader_);
  if (!owner) return DecodeError::kName;
  const auto type = reader_.u16();
  const auto record_class = reader_.u16();
  const auto ttl = reader_.u32();
  const auto length = reader_.u16();
  if (!type || !record_class || !ttl || !length) return DecodeError::kShort;
  if (*length > reader_.remaining()) return DecodeError::kShort;
  head = {.owner = std::move(*owner),
          .type = static_cast<Type>(*type),
          .record_class = *record_class,
          .ttl = *ttl,
          .rdata_end = reader_.offset() + *length};
  return std::nullopt;
}

std::optional<DecodeError> Decoder::read_opt(const RecordHead& head,
                                             Reader rdata) {
  if (message_.edns || !head.owner.is_root()) return DecodeError::kSecondOpt;
  message_.edns = read_edns(head.record_class, head.ttl, rdata);
  if (!message_.edns) return DecodeError::kRdata;
  // RFC 6891 section 6.1.3: the upper eight bits of the RCODE.
  message_.rcode = static_cast<Rcode>(static_cast<uint16_t>(message_.rcode) |
                                      head.ttl >> 24 << 4);
  return std::nullopt;
}

std::optional<DecodeError> Decoder::read_section(size_t count,
                                                 std::vector<Record>& out) {
  for (size_t i = 0; i < count; ++i) {
    RecordHead head;
    if (const auto failure = read_head(head)) return failure;
    const auto rdata = reader_.limited(head.rdata_end);
    if (!rdata || !reader_.seek(head.rdata_end)) return DecodeError::kShort;
    if (head.type == Type::kOpt) {
      if (&out != &message_.additionals) return DecodeError::kSecondOpt;
      if (const auto failure = read_opt(head, *rdata)) return failure;
      continue;
    }
    auto data = read_data(head, *rdata);
    if (!data) return DecodeError::kRdata;
    const bool negative = head.ttl > 0x7fffffff;
    out.push_back({.owner = std::move(head.owner),
                   .type = head.type,
                   .record_class = head.record_class,
                   .ttl_seconds = negative ? 0 : head.ttl,
                   .data = std::move(*data)});
  }
  return std::nullopt;
}

tl::expected<Message, DecodeError> Decoder::run() {
  Counts counts;
  Failure failure = read_header(counts);
  if (!failure) failure = read_questions(counts.questions);
  if (!failure) failure = read_section(counts.answers, message_.answers);
  if (!failure)
    failure = read_section(counts.authorities, message_.authorities);
  if (!failure)
    failure = read_section(counts.additionals, message_.additionals);
  if (failure) return tl::make_unexpected(*failure);
  return std::move(message_);
}

}  // namespace

std::vector<uint8_t> encode_query(uint16_t id, const Name& name, Type type,
                                  const QueryOptions& options) {
  Writer writer;
  writer.u16(id);
  writer.u16(kRecursionDesired);
  writer.u16(1);  // questions
  writer.u16(0);
  writer.u16(0);
  writer.u16(options.edns ? 1 : 0);  // additional records
  name.write(writer);
  writer.u16(static_cast<uint16_t>(type));
  writer.u16(kClassIn);
  if (options.edns) write_edns(writer, options);
  return std::move(writer).finish();
}

std::vector<uint8_t> with_length_prefix(std::span<const uint8_t> message) {
  Writer writer;
  writer.u16(static_cast<uint16_t>(message.size()));
  writer.bytes(message);
  return std::move(writer).finish();
}

tl::expected<Message, DecodeError> decode(std::span<const uint8_t> bytes) {
  return Decoder(bytes).run();
}

std::optional<uint16_t> peek_id(std::span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  return Reader(bytes).u16();
}

bool matches(const Message& reply, uint16_t id, const Question& question) {
  if (!reply.header.response || reply.header.opcode != 0) return false;
  if (reply.header.id != id) return false;
  if (reply.questions.empty()) {
    return reply.answers.empty() && reply.authorities.empty();
  }
  return reply.questions.size() == 1 && reply.questions.front() == question;
}

}  // namespace happy::dns
