#include "core/name_files.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <optional>

#include "core/net/clock.h"
#include "core/race/gai_conf.h"

namespace happy {
namespace {

constexpr const char* kHosts = "/etc/hosts";
constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr const char* kGaiConf = "/etc/gai.conf";
constexpr Duration kGlance{1'000};

std::optional<std::string_view> variable(const char* name) {
  const char* value = secure_getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

dns::ResolvConf parse(const std::string& text) {
  char host[HOST_NAME_MAX + 1] = "";
  gethostname(host, sizeof host - 1);
  return dns::parse_resolv_conf({.text = text,
                                 .host_name = host,
                                 .local_domain = variable("LOCALDOMAIN"),
                                 .res_options = variable("RES_OPTIONS")});
}

}  // namespace

NameFiles::NameFiles()
    : resolv_conf_(parse("")), prefix_policies_(race::parse_gai_conf("")) {
  hosts();
  resolv_conf();
  prefix_policies();
}

bool NameFiles::changed(const char* path, Stamp* stamp, std::string* text) {
  const Time now = net::monotonic_now();
  if (now - stamp->looked < kGlance) return false;
  stamp->looked = now;
  struct stat info;
  if (stat(path, &info) != 0) return false;
  if (info.st_ino == stamp->inode && info.st_size == stamp->size &&
      info.st_mtim.tv_sec == stamp->modified.tv_sec &&
      info.st_mtim.tv_nsec == stamp->modified.tv_nsec) {
    return false;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  text->assign(std::istreambuf_iterator<char>(file), {});
  *stamp = {info.st_ino, info.st_size, info.st_mtim, now};
  return true;
}

const dns::HostsFile& NameFiles::hosts() {
  std::string text;
  if (changed(kHosts, &hosts_stamp_, &text)) hosts_ = dns::HostsFile(text);
  return hosts_;
}

const std::vector<race::PrefixPolicy>& NameFiles::prefix_policies() {
  std::string text;
  if (changed(kGaiConf, &gai_conf_stamp_, &text)) {
    prefix_policies_ = race::parse_gai_conf(text);
  }
  return prefix_policies_;
}

const dns::ResolvConf& NameFiles::resolv_conf() {
  std::string text;
  if (changed(kResolvConf, &resolv_conf_stamp_, &text)) {
    resolv_conf_ = parse(text);
  }
  return resolv_conf_;
}

}  // namespace happy
