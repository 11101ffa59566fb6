"""Tests by layer: core without Home Assistant, ha through the config entry, e2e by hass."""
