# libargon2: its portable implementation.
SUMMARY = "Hashing of passwords"
HOMEPAGE = "https://github.com/P-H-C/phc-winner-argon2"
LICENSE = "Apache-2.0 | CC0-1.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

SRC_URI = "https://github.com/P-H-C/phc-winner-argon2/archive/${PV}.tar.gz;downloadfilename=argon2-${PV}.tar.gz"
SRC_URI[sha256sum] = "daf972a89577f8772602bf2eb38b6a3dd3d922bf5724d45e7f9589b5e830442c"
S = "${UNPACKDIR}/phc-winner-argon2-${PV}"

# OPTTARGET names a processor for the other implementation, which is amd64's.
EXTRA_OEMAKE = "'CC=${CC}' 'LIBRARY_REL=${baselib}' OPTTARGET=none"

do_install() {
    oe_runmake 'DESTDIR=${D}' 'PREFIX=${prefix}' install
    rm -rf ${D}${bindir}
}
