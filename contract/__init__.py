"""What the service and the instrument agree on: entities, ids, codecs, tables, topics, connections.

This package knows none of the others. `api` and `workers` write what it declares, `seawall` sends it and audits it.
"""
