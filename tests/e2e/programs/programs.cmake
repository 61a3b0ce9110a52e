# The real programs that are built here; the rest are Debian's own.
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent)
add_executable(e2e_multi_client programs/multi_client.c)
target_link_libraries(e2e_multi_client PRIVATE PkgConfig::CURL)
add_executable(e2e_libevent_client programs/libevent_client.cc)
target_link_libraries(e2e_libevent_client PRIVATE PkgConfig::EVENT)
add_executable(e2e_asio_client programs/asio_client.cc)
target_link_libraries(e2e_asio_client PRIVATE Threads::Threads)
list(APPEND programs e2e_multi_client e2e_libevent_client e2e_asio_client)

set(made ${CMAKE_BINARY_DIR}/programs)
set(here ${CMAKE_CURRENT_SOURCE_DIR}/programs)
add_custom_command(OUTPUT ${made}/Fetch.class
  COMMAND /usr/bin/javac -d ${made} ${here}/Fetch.java
  DEPENDS ${here}/Fetch.java)
# Debian's own compiler and crates, whatever else the machine has.
add_custom_command(OUTPUT ${made}/debug/tokio_client
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${here}/tokio ${made}/tokio
  COMMAND ${CMAKE_COMMAND} -E env CARGO_HOME=${made}/cargo
    RUSTC=/usr/bin/rustc /usr/bin/cargo build --quiet --offline
    --manifest-path ${made}/tokio/Cargo.toml --target-dir ${made}
    --config source.crates-io.replace-with="debian"
    --config source.debian.directory="/usr/share/cargo/registry"
  DEPENDS ${here}/tokio/Cargo.toml ${here}/tokio/src/main.rs VERBATIM)
add_custom_target(e2e_programs ALL DEPENDS ${made}/Fetch.class
  ${made}/debug/tokio_client)
list(APPEND programs e2e_programs)

# Hosts that are sanitized themselves, and one that locks itself in.
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
add_executable(e2e_confined programs/confined.cc)
target_link_libraries(e2e_confined PRIVATE PkgConfig::SECCOMP)
list(APPEND programs e2e_confined)
set(names asan asan_static tsan)
set(sanitizers address address thread)
foreach(name sanitizer IN ZIP_LISTS names sanitizers)
  add_executable(e2e_${name}_client programs/epoll_client.cc)
  target_compile_options(e2e_${name}_client PRIVATE -fsanitize=${sanitizer})
  target_link_options(e2e_${name}_client PRIVATE -fsanitize=${sanitizer})
  list(APPEND programs e2e_${name}_client)
endforeach()
target_link_options(e2e_asan_static_client PRIVATE -static-libasan)
foreach(runtime asan tsan)
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=lib${runtime}.so
    OUTPUT_VARIABLE ${runtime}_runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
endforeach()
