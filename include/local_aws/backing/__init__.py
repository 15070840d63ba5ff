"""Embedded moto: the only package that touches it, and what makes it durable.

moto's internal signatures move between versions, so the version is pinned and everything that
reaches inside it is here.
"""
