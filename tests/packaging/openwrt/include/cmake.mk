# Stands in for OpenWrt's cmake.mk: nothing of it is used before a package is built.
