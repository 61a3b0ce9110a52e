# Checks on the three objects as they are shipped: not on sanitizer builds,
# which link their runtime.
if(TARGET happy AND TARGET happy-core AND TARGET happy-tls
    AND NOT HAPPY_SANITIZE)
  add_executable(object_test abi/object_test.cc)
  target_compile_definitions(object_test PRIVATE
    HAPPY_SOURCE_FOLDER="${CMAKE_SOURCE_DIR}"
    HAPPY_HARDENED=$<BOOL:$<TARGET_PROPERTY:happy_product,INTERFACE_COMPILE_OPTIONS>>)
  target_link_libraries(object_test PRIVATE happy_lab GTest::gmock
    GTest::gtest_main)
  add_dependencies(object_test happy happy-core happy-tls happy-connect happyctl)
  gtest_discover_tests(object_test TEST_PREFIX "abi." DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "abi;plain")
endif()
