#include "connect/look_up.h"

#include <linux/futex.h>
#include <netdb.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "connect/process.h"
#include "core/address_abi.h"

namespace happy::direct {
namespace {

using Found = tl::expected<std::vector<IpAddress>, Failure>;

tl::unexpected<Failure> failed(int eai, int system_error = 0) {
  Failure out{
      .error = ENOTRECOVERABLE, .lookup_error = eai, .why = gai_strerror(eai)};
  switch (eai) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      out.error = ENOENT;
      break;
    case EAI_AGAIN:
      out.error = EAGAIN;
      break;
    case EAI_MEMORY:
      out.error = ENOMEM;
      break;
    case EAI_SYSTEM:
      out = {.error = system_error, .lookup_error = eai};
      break;
    default:
      break;
  }
  return tl::unexpected(std::move(out));
}

// libc's answer, each address once.
Found ask_system(const std::string& host, int family, int flags) {
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = family;
  hints.ai_flags = flags;
  hints.ai_socktype = SOCK_STREAM;
  const int eai = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (eai != 0) return failed(eai, errno);
  std::vector<IpAddress> out;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    const auto at = Endpoint::from_sockaddr(one->ai_addr, one->ai_addrlen);
    if (at && std::count(out.begin(), out.end(), at->address) == 0)
      out.push_back(at->address);
  }
  freeaddrinfo(list);
  if (out.empty()) return failed(EAI_NODATA);
  return out;
}

// The same on another thread, since libc can be neither bounded nor cancelled.
Found ask_system(const std::string& host, int family,
                 const Patience& patience) {
  const auto found = std::make_shared<Found>();
  const int error = patience.run(
      [found, host, family] { *found = ask_system(host, family, 0); });
  if (error != 0) return tl::unexpected(Failure{.error = error});
  return std::move(*found);
}

std::vector<happy_address> to_abi_list(const std::vector<IpAddress>& list) {
  std::vector<happy_address> out;
  for (const IpAddress& address : list) out.push_back(to_abi(address));
  return out;
}

Found remembered(const std::string& host, int family, Found found) {
  if (!found) return found;
  const auto list = to_abi_list(*found);
  const EngineCall call;
  engine()->remember(host.c_str(), family, list.data(), list.size());
  return found;
}

// The system's resolver may know how a network without IPv4 reaches it (RFC
// 7050). 0, or an errno that ends the call.
int find_nat64(const std::string& host, const Patience& patience) {
  const char* probe = nullptr;
  {
    const EngineCall call;
    probe = engine()->nat64_probe(host.c_str());
  }
  if (probe == nullptr) return 0;
  const auto found = ask_system(probe, AF_INET6, patience);
  if (!found && found.error().lookup_error == 0) return found.error().error;
  const auto list = to_abi_list(found.value_or(std::vector<IpAddress>{}));
  const EngineCall call;
  engine()->nat64_probed(list.data(), list.size());
  return 0;
}

void wait_for(const happy_lookup* lookup) {
  while (__atomic_load_n(&lookup->done, __ATOMIC_ACQUIRE) == 0)
    syscall(SYS_futex, &lookup->done, FUTEX_WAIT_PRIVATE, 0, nullptr);
}

// One that the engine answers: hosts file, cache, resolvers. An empty list:
// the rule leaves the name to the system after all.
Found ask_engine(const std::string& host, int family,
                 const Patience& patience) {
  const auto release = [](happy_lookup* one) {
    const EngineCall call;
    engine()->lookup_release(one);
  };
  std::shared_ptr<happy_lookup> lookup;
  {
    const EngineCall call;
    happy_lookup* const started =
        engine()->lookup_start(host.c_str(), family, 0);
    if (started == nullptr) return failed(EAI_MEMORY);
    lookup.reset(started, release);
  }
  if (__atomic_load_n(&lookup->done, __ATOMIC_ACQUIRE) == 0) {
    const int error = patience.run([lookup] { wait_for(lookup.get()); });
    if (error != 0) return tl::unexpected(Failure{.error = error});
  }
  if (lookup->status == HAPPY_LOOKUP_FAILED) return failed(lookup->eai);
  std::vector<IpAddress> out;
  for (size_t i = 0; i < lookup->count; ++i)
    out.push_back(from_abi(lookup->addresses[i]));
  return out;
}

}  // namespace

Found look_up(const std::string& host, int family, const Patience& patience) {
  if (host.empty()) return failed(EAI_NONAME);
  if (ask_system(host, AF_UNSPEC, AI_NUMERICHOST))  // of whichever family
    return remembered(host, family, ask_system(host, family, AI_NUMERICHOST));
  if (const int error = find_nat64(host, patience))
    return tl::unexpected(Failure{.error = error});
  bool strict = false;
  {
    const EngineCall call;
    strict = engine()->is_strict(host.c_str()) != 0;
  }
  if (strict) {
    Found found = ask_engine(host, family, patience);
    if (!found || !found->empty()) return found;
  }
  return remembered(host, family, ask_system(host, family, patience));
}

}  // namespace happy::direct
