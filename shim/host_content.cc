#include "shim/host_content.h"

#include <string.h>

#include <algorithm>

namespace happy::shim {

char* CallerBuffer::take(size_t size, size_t alignment) {
  const size_t gap = -reinterpret_cast<uintptr_t>(at_) & (alignment - 1);
  if (gap + size > left_ || gap + size < size) return nullptr;
  char* piece = at_ + gap;
  at_ = piece + size;
  left_ -= gap + size;
  return piece;
}

bool fill(const HostContent& content, CallerBuffer buffer, hostent* entry) {
  const size_t length = content.family == AF_INET6 ? 16 : 4;
  const size_t most = content.addresses.size();
  const auto names = static_cast<size_t>(
      std::count(content.names.begin(), content.names.end(), '\0'));
  // The addresses and the aliases, each with a nullptr behind.
  char* pointers =
      buffer.take((most + 1 + names) * sizeof(char*), alignof(char*));
  char* bytes = buffer.take(most * length, alignof(uint32_t));
  char* text = buffer.take(content.names.size(), 1);
  if (pointers == nullptr || bytes == nullptr || text == nullptr) return false;
  auto** list = reinterpret_cast<char**>(pointers);
  entry->h_addr_list = list;
  for (const happy_address& address : content.addresses) {
    if (address.family != content.family) continue;
    memcpy(bytes, address.bytes, length);
    *list++ = bytes;
    bytes += length;
  }
  *list++ = nullptr;
  entry->h_aliases = list;
  memcpy(text, content.names.data(), content.names.size());
  entry->h_name = text;
  for (size_t i = 1; i < names; ++i) {
    text += strlen(text) + 1;
    *list++ = text;
  }
  *list = nullptr;
  entry->h_addrtype = content.family;
  entry->h_length = static_cast<int>(length);
  return true;
}

}  // namespace happy::shim
