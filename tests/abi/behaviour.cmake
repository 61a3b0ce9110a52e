# How sockets behave while they race, asked from inside a process that has the
# library preloaded. The binary preloads it itself.
if(TARGET happy AND TARGET happy-core AND TARGET happy-tls)
  file(GLOB behaviour_sources CONFIGURE_DEPENDS abi/behaviour*.cc)
  add_executable(behaviour_test ${behaviour_sources})
  # The host is an ordinary program; the library brings its sanitizer along.
  target_compile_options(behaviour_test PRIVATE -fno-sanitize=all)
  target_link_libraries(behaviour_test PRIVATE happy_lab GTest::gmock
    GTest::gtest)
  add_dependencies(behaviour_test happy happy-core happy-tls)
  gtest_discover_tests(behaviour_test TEST_PREFIX "abi." DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "abi" TIMEOUT 120
    FIXTURES_REQUIRED nothing_left_behind)
endif()
