"""Clients, settings, names, tags and the S3 layout: how Frugal meets AWS."""
