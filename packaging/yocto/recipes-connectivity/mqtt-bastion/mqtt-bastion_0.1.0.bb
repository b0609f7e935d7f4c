# The gate, built from the tree that this layer lies in, with systemd.
SUMMARY = "Hardened front door for an MQTT broker"
DESCRIPTION = "Terminates TLS before a broker, decides from one TOML file who may come in, reads the MQTT that passes, and \
counts everyone it turned away, with the reason."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

inherit externalsrc cmake pkgconfig systemd useradd

EXTERNALSRC = "${@os.path.realpath('${THISDIR}/../../../..')}"
DEPENDS = "boost openssl libargon2 libseccomp tomlplusplus cli11"
EXTRA_OECMAKE = "-DCMAKE_BUILD_TYPE=Release -DBASTION_TESTS=OFF"

USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --no-create-home --home-dir /nonexistent --shell /sbin/nologin --user-group mqtt-bastion"
SYSTEMD_SERVICE:${PN} = "mqtt-bastion.service"
# Its policy lets nobody in until it is edited.
SYSTEMD_AUTO_ENABLE = "disable"

do_install:append() {
    install -d -m 0750 -g mqtt-bastion ${D}${sysconfdir}/mqtt-bastion
    install -m 0644 ${S}/packaging/debian/policy.toml ${D}${sysconfdir}/mqtt-bastion/policy.toml
}

CONFFILES:${PN} = "${sysconfdir}/mqtt-bastion/policy.toml"
FILES:${PN} += "${systemd_system_unitdir} ${datadir}/bash-completion ${datadir}/zsh"
