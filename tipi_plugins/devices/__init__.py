"""Devices and the torch backend: one plugin for each kind of device, so that each can be blocked alone."""
