# Every foreign library that Sigillo links, in one place. README.md says why each is here.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(BOTAN REQUIRED IMPORTED_TARGET botan-2)
pkg_check_modules(P11KIT REQUIRED IMPORTED_TARGET p11-kit-1)
pkg_check_modules(PISTACHE REQUIRED IMPORTED_TARGET libpistache)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(QRENCODE REQUIRED IMPORTED_TARGET libqrencode)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(HARFBUZZ REQUIRED IMPORTED_TARGET harfbuzz harfbuzz-subset)
pkg_check_modules(FRIBIDI REQUIRED IMPORTED_TARGET fribidi)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
find_library(LMDB_LIBRARY lmdb REQUIRED)
find_library(SOFTHSM2_MODULE softhsm2 PATH_SUFFIXES softhsm REQUIRED)
find_path(SOFTHSM2_DIR libsofthsm2.so PATHS /usr/lib/softhsm /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/softhsm)

# Foreign headers are not held to our warnings.
foreach(target PkgConfig::BOTAN PkgConfig::P11KIT PkgConfig::PISTACHE PkgConfig::TOMLPLUSPLUS
        PkgConfig::HARFBUZZ PkgConfig::FRIBIDI PkgConfig::PNG)
  get_target_property(dirs ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(dirs)
    set_target_properties(${target} PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${dirs}")
  endif()
endforeach()

# PoDoFo has no pkg-config file in Debian.
find_library(PODOFO_LIBRARY podofo REQUIRED)
find_path(PODOFO_INCLUDE_DIR podofo/podofo.h REQUIRED)
add_library(PoDoFo::PoDoFo UNKNOWN IMPORTED)
set_target_properties(PoDoFo::PoDoFo PROPERTIES IMPORTED_LOCATION ${PODOFO_LIBRARY}
  INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${PODOFO_INCLUDE_DIR} INTERFACE_INCLUDE_DIRECTORIES ${PODOFO_INCLUDE_DIR})
