"""Alembic's entry: takes the connection that `miniprogram_api.adapters.migrations` put into the configuration."""

from alembic import context

from shared_kernel.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    transaction_per_migration=True,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite cannot alter a table in place
)
with context.begin_transaction():
    context.run_migrations()
