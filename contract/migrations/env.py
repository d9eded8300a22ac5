"""Alembic's entry: runs the migrations on the connection that `contract.migrate` hands over."""

from alembic import context

from contract import columns

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes["target_metadata"],
    compare_type=True,
    render_item=columns.rendered,
)
with context.begin_transaction():
    context.run_migrations()
