# Stands in for OpenWrt's package.mk: the steps of a package become targets, and what it says of itself can be asked for.
define BuildPackage
.PHONY: prepare install dev about
prepare:
	$$(Build/Prepare)

dev:
	$$(call Build/InstallDev,/staging)

install:
	$$(call Package/$(1)/install,/root-of-$(1))

about: export ABOUT := $$(Package/$(1))
about:
	@echo "package=$(1) name=$(PKG_NAME) version=$(PKG_VERSION) hash=$(PKG_HASH) build-depends=$(PKG_BUILD_DEPENDS)"
	@printenv ABOUT
endef
