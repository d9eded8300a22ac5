"""Services that misbehave on purpose, so that the instrument can prove that it notices.

Each is the real service with one planted fault (`api`, `sink`), or a plain server whose answers take a known time
(`latency_server`). Nothing here is ever part of a measurement that is meant to say something about a service.
"""
