// The one door to the octets of DNS messages: a bounds-checked reader for bytes
// that may be hostile, and a writer for those we send. Nothing else in core/dns
// indexes message bytes. Big-endian throughout (RFC 1035 section 2.3.2). It
// knows nothing of names or records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace happy::dns {

// Borrows the bytes, which must outlive it. Every read either succeeds and
// moves on, or gives nullopt and leaves the position as it was.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::optional<uint8_t> u8();
  [[nodiscard]] std::optional<uint16_t> u16();
  [[nodiscard]] std::optional<uint32_t> u32();
  [[nodiscard]] std::optional<std::span<const uint8_t>> take(size_t count);
  // Moves to an absolute offset; false, and no move, if it is past the end.
  [[nodiscard]] bool seek(size_t offset);
  // A reader of the same bytes from 0 to `end`, at the same position: the rest
  // is out of reach, but offsets (compression pointers) keep their meaning.
  // nullopt if `end` is before the position or past the end.
  [[nodiscard]] std::optional<Reader> limited(size_t end) const;

  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }

 private:
  std::span<const uint8_t> bytes_;
  size_t offset_ = 0;  // never past bytes_.size()
};

class Writer {
 public:
  void u8(uint8_t value);
  void u16(uint16_t value);
  void u32(uint32_t value);
  void bytes(std::span<const uint8_t> values);
  void zeros(size_t count);
  // Overwrites two octets written before; ignored where there are none.
  void patch_u16(size_t offset, uint16_t value);

  size_t size() const { return out_.size(); }
  std::vector<uint8_t> finish() && { return std::move(out_); }

 private:
  std::vector<uint8_t> out_;
};

}  // namespace happy::dns
