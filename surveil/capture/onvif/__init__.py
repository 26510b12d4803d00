"""Cameras that speak ONVIF: found on the local network, asked for the addresses of their streams."""
