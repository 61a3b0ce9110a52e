#include "core/dns/cursor.h"

namespace happy::dns {

std::optional<std::span<const uint8_t>> Reader::take(size_t count) {
  if (count > remaining()) return std::nullopt;
  const auto out = bytes_.subspan(offset_, count);
  offset_ += count;
  return out;
}

std::optional<uint8_t> Reader::u8() {
  const auto octets = take(1);
  if (!octets) return std::nullopt;
  return (*octets)[0];
}

std::optional<uint16_t> Reader::u16() {
  const auto octets = take(2);
  if (!octets) return std::nullopt;
  return static_cast<uint16_t>((*octets)[0] << 8 | (*octets)[1]);
}

std::optional<uint32_t> Reader::u32() {
  const auto octets = take(4);
  if (!octets) return std::nullopt;
  uint32_t value = 0;
  for (const uint8_t octet : *octets) value = value << 8 | octet;
  return value;
}

bool Reader::seek(size_t offset) {
  if (offset > bytes_.size()) return false;
  offset_ = offset;
  return true;
}

std::optional<Reader> Reader::limited(size_t end) const {
  if (end < offset_ || end > bytes_.size()) return std::nullopt;
  Reader out(bytes_.first(end));
  out.offset_ = offset_;
  return out;
}

void Writer::u8(uint8_t value) { out_.push_back(value); }

void Writer::u16(uint16_t value) {
  u8(static_cast<uint8_t>(value >> 8));
  u8(static_cast<uint8_t>(value));
}

void Writer::u32(uint32_t value) {
  u16(static_cast<uint16_t>(value >> 16));
  u16(static_cast<uint16_t>(value));
}

void Writer::bytes(std::span<const uint8_t> values) {
  out_.insert(out_.end(), values.begin(), values.end());
}

void Writer::zeros(size_t count) { out_.resize(out_.size() + count); }

void Writer::patch_u16(size_t offset, uint16_t value) {
  if (out_.size() < 2 || offset > out_.size() - 2) return;
  out_[offset] = static_cast<uint8_t>(value >> 8);
  out_[offset + 1] = static_cast<uint8_t>(value);
}

}  // namespace happy::dns
