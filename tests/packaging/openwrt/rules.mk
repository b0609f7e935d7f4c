# Stands in for OpenWrt's rules.mk, as far as the recipes use it.
INCLUDE_DIR:=$(TOPDIR)/include
BUILD_DIR:=/build
PKG_BUILD_DIR=$(BUILD_DIR)/$(PKG_NAME)-$(PKG_VERSION)
PKG_INSTALL_DIR=$(PKG_BUILD_DIR)/ipkg-install
CP:=cp -fpR
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_CONF:=install -m0600
