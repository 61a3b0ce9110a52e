#include "core/dns/message.h"

namespace happy::dns {

std::string to_string(Type type) {
  switch (type) {
    case Type::kA:
      return "A";
    case Type::kNs:
      return "NS";
    case Type::kCname:
      return "CNAME";
    case Type::kSoa:
      return "SOA";
    case Type::kPtr:
      return "PTR";
    case Type::kMx:
      return "MX";
    case Type::kTxt:
      return "TXT";
    case Type::kAaaa:
      return "AAAA";
    case Type::kOpt:
      return "OPT";
    case Type::kHttps:
      return "HTTPS";
  }
  return "TYPE" + std::to_string(static_cast<uint16_t>(type));
}

std::string to_string(Rcode rcode) {
  switch (rcode) {
    case Rcode::kNoError:
      return "NOERROR";
    case Rcode::kFormatError:
      return "FORMERR";
    case Rcode::kServerFailure:
      return "SERVFAIL";
    case Rcode::kNameError:
      return "NXDOMAIN";
    case Rcode::kNotImplemented:
      return "NOTIMP";
    case Rcode::kRefused:
      return "REFUSED";
    case Rcode::kBadVersion:
      return "BADVERS";
  }
  return "RCODE" + std::to_string(static_cast<uint16_t>(rcode));
}

std::string_view to_string(DecodeError error) {
  switch (error) {
    case DecodeError::kShort:
      return "the message ends too early";
    case DecodeError::kName:
      return "a malformed domain name";
    case DecodeError::kRdata:
      return "record data that does not fit its type";
    case DecodeError::kSecondOpt:
      return "a misplaced OPT record";
  }
  return "";
}

}  // namespace happy::dns
