# Copyright (c) 2026, the pg_cmig developers
from alembic import context
from sqlalchemy import MetaData, create_engine, pool

target_metadata = MetaData(naming_convention={
    "ix": "idx_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
})


def run(**options):
    context.configure(target_metadata=target_metadata, transaction_per_migration=True, **options)
    with context.begin_transaction():
        context.run_migrations()


url = context.config.get_main_option("sqlalchemy.url")
if context.is_offline_mode():
    run(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"})
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        run(connection=connection)
