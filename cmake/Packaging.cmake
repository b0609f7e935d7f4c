# What is installed where, and the Debian package of it: cmake --install DIR, cpack -G DEB.
include(GNUInstallDirs)

install(TARGETS mqtt-bastion RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
file(GLOB bastion_manual_pages CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/docs/man/*.1")
install(FILES ${bastion_manual_pages} DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES docs/man/mqtt-bastion.bash DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME mqtt-bastion)
install(FILES docs/man/_mqtt-bastion DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions")
install(FILES docs/policy-reference.md docs/refusals.md docs/shields.md docs/threat-model.md
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY examples/home-gateway examples/observe-first DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples"
  FILES_MATCHING PATTERN "*.md" PATTERN "*.toml" PATTERN "*.conf")
install(PROGRAMS certs/make-certs DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples")
if(EXISTS "${CMAKE_SOURCE_DIR}/docs/gateway.md")
  install(FILES docs/gateway.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
endif()
file(GLOB bastion_units CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/packaging/*.service" "${CMAKE_SOURCE_DIR}/packaging/*.socket")
install(FILES ${bastion_units} DESTINATION lib/systemd/system)
if(EXISTS "${CMAKE_SOURCE_DIR}/packaging/mqtt-bastion.sysusers")
  install(FILES packaging/mqtt-bastion.sysusers DESTINATION lib/sysusers.d RENAME mqtt-bastion.conf)
endif()

# --- the Debian package --------------------------------------------------------------------------------------------------------
set(BASTION_MAINTAINER "mqtt-bastion maintainers <mqtt-bastion@packages.home.arpa>" CACHE STRING
  "Who answers for the packages that are made here: a name and an address, as Debian writes them")
configure_file(packaging/debian/changelog.in packaging/changelog.Debian @ONLY)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mqtt-bastion)
set(CPACK_PACKAGE_VENDOR "mqtt-bastion")
set(CPACK_PACKAGE_CONTACT "${BASTION_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "hardened front door for an MQTT broker")
set(CPACK_PACKAGE_DESCRIPTION "mqtt-bastion terminates TLS before a broker, decides from one TOML file
who may come in, reads the MQTT that passes, strictly and in both
directions, and counts everyone it turned away, with the reason. The
broker behind it, Mosquitto first, listens on loopback and never sees a
byte from a client that was not admitted.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF)  # below, with the sections that nobody reads
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_OUTPUT_FILE_PREFIX "${CMAKE_BINARY_DIR}/packages")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "mosquitto, apparmor, openssl")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/packaging/debian/conffiles" "${CMAKE_SOURCE_DIR}/packaging/debian/postinst"
  "${CMAKE_SOURCE_DIR}/packaging/debian/prerm" "${CMAKE_SOURCE_DIR}/packaging/debian/postrm")
# What a package has and a plain installation has not, laid beside the rest before it is packed.
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_SOURCE_DIR}/packaging/debian/complete.cmake")
set(CPACK_BASTION_SOURCE "${CMAKE_SOURCE_DIR}")
set(CPACK_BASTION_BINARY "${CMAKE_BINARY_DIR}")
set(CPACK_BASTION_STRIP "${CMAKE_STRIP}")
include(CPack)
