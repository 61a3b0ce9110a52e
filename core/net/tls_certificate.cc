#include "core/net/tls_certificate.h"

#include <strings.h>

#include <algorithm>

namespace happy::tls {
namespace {

constexpr unsigned kLongestChain = 16;
constexpr size_t kMostNames = 100;

std::string base64(const Sha256& digest) {
  constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < digest.size(); i += 3) {
    uint32_t group = uint32_t{digest[i]} << 16;
    if (i + 1 < digest.size()) group |= uint32_t{digest[i + 1]} << 8;
    if (i + 2 < digest.size()) group |= digest[i + 2];
    out += kAlphabet[group >> 18];
    out += kAlphabet[group >> 12 & 63];
    out += i + 1 < digest.size() ? kAlphabet[group >> 6 & 63] : '=';
    out += i + 2 < digest.size() ? kAlphabet[group & 63] : '=';
  }
  return out;
}

using PartOfName = int (*)(gnutls_x509_crt_t, const char* oid, unsigned index,
                           unsigned raw, void* out, size_t* size);
using WholeName = int (*)(gnutls_x509_crt_t, char* out, size_t* size);

std::string name_in(PartOfName part, WholeName whole,
                    gnutls_x509_crt_t certificate, const char* otherwise) {
  char name[256];
  size_t size = sizeof name;
  if (part(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) == 0)
    return printable({name, size});
  size = sizeof name;
  if (whole(certificate, name, &size) == 0) return printable({name, size});
  return otherwise;
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         strncasecmp(a.data(), b.data(), a.size()) == 0 &&
         a.find('\0') == a.npos;
}

}  // namespace

bool Certificate::key_fingerprint(Sha256* out) const {
  size_t size = out->size();
  return gnutls_x509_crt_get_key_id(get(), GNUTLS_KEYID_USE_SHA256, out->data(),
                                    &size) == 0 &&
         size == out->size();
}

bool Certificate::fingerprint(Sha256* out) const {
  size_t size = out->size();
  return gnutls_x509_crt_get_fingerprint(get(), GNUTLS_DIG_SHA256, out->data(),
                                         &size) == 0 &&
         size == out->size();
}

std::vector<std::string> Certificate::dns_names() const {
  std::vector<std::string> names;
  for (unsigned i = 0; names.size() < kMostNames; ++i) {
    char name[256];  // a longer one is no host name
    size_t size = sizeof name;
    const int type =
        gnutls_x509_crt_get_subject_alt_name(get(), i, name, &size, nullptr);
    if (type == GNUTLS_E_SHORT_MEMORY_BUFFER) continue;
    if (type < 0) break;
    if (type == GNUTLS_SAN_DNSNAME) names.emplace_back(name, size);
  }
  return names;
}

time_t Certificate::valid_from() const {
  return gnutls_x509_crt_get_activation_time(get());
}

time_t Certificate::valid_until() const {
  return gnutls_x509_crt_get_expiration_time(get());
}

bool Certificate::self_signed() const {
  return gnutls_x509_crt_check_issuer(get(), get()) != 0;
}

std::string Certificate::subject() const {
  return name_in(gnutls_x509_crt_get_dn_by_oid, gnutls_x509_crt_get_dn, get(),
                 "an unnamed subject");
}

std::string Certificate::issuer() const {
  return name_in(gnutls_x509_crt_get_issuer_dn_by_oid,
                 gnutls_x509_crt_get_issuer_dn, get(), "an unnamed issuer");
}

Chain presented_chain(gnutls_session_t session) {
  Chain chain;
  if (gnutls_certificate_type_get2(session, GNUTLS_CTYPE_PEERS) !=
      GNUTLS_CRT_X509)
    return chain;
  unsigned count = 0;
  const gnutls_datum_t* der = gnutls_certificate_get_peers(session, &count);
  for (unsigned i = 0; der && i < std::min(count, kLongestChain); ++i) {
    gnutls_x509_crt_t raw = nullptr;
    if (gnutls_x509_crt_init(&raw) != 0) return {};
    CertificateHandle handle(raw);
    if (gnutls_x509_crt_import(raw, &der[i], GNUTLS_X509_FMT_DER) != 0) {
      if (i == 0) return {};
      break;  // what follows proves nothing any more
    }
    chain.emplace_back(std::move(handle));
  }
  return chain;
}

bool name_matches(std::string_view dns_name, std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host.empty() || dns_name.empty()) return false;
  if (!dns_name.starts_with("*.")) return equal_without_case(dns_name, host);
  const std::string_view below = dns_name.substr(2);
  const size_t dot = host.find('.');
  return below.find('.') != below.npos && below.find('*') == below.npos &&
         dot != host.npos && dot > 0 &&
         equal_without_case(below, host.substr(dot + 1));
}

std::string key_pin_text(const Sha256& digest) {
  return "key-fp:SHA256:" + base64(digest);
}

std::string certificate_pin_text(const Sha256& digest) {
  return "cert-fp:SHA256:" + base64(digest);
}

std::string date_text(time_t when) {
  struct tm parts;
  char text[32];
  if (when == time_t{-1} || !gmtime_r(&when, &parts) ||
      strftime(text, sizeof text, "%Y-%m-%d", &parts) == 0)
    return "an unreadable date";
  return text;
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 253));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

}  // namespace happy::tls
