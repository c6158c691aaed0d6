"""Migrate user roles to new format

Revision ID: 006_migrate_user_roles
Revises: 006_merge
Create Date: 2024-11-08 14:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "006_migrate_user_roles"
down_revision = "006_merge"
branch_labels = None
depends_on = None


from sqlalchemy.sql import text


def upgrade():
    """Migrate user roles to new enum format"""
    sa.Enum("superadmin", "tenant_admin", "user", name="user_role_new").create(op.get_bind())
    op.add_column("users", sa.Column("role_new", sa.Enum("superadmin", "tenant_admin", "user", name="user_role_new")))
    connection = op.get_bind()
    batch_size = 1000
    while True:
        result = connection.execute(text("""
            UPDATE users
            SET role_new = (CASE /* the old names */
                WHEN role = 'admin' THEN 'tenant_admin'
                WHEN role = 'client' THEN 'user'
                ELSE role
            END)::user_role_new
            WHERE id IN (SELECT id FROM users WHERE role_new IS NULL AND role IS NOT NULL ORDER BY id LIMIT :batch_size)
        """), {"batch_size": batch_size})
        if result.rowcount == 0:
            break
        print(f"Migrated {result.rowcount} users")
    op.drop_column("users", "role")
    op.alter_column("users", "role_new", new_column_name="role")


def downgrade():
    op.add_column("users", sa.Column("role_old", sa.String()))
    op.get_bind().execute(text("""
        UPDATE users
        SET role_old = CASE
            WHEN role = 'tenant_admin' THEN 'admin'
            WHEN role = 'user' THEN 'client'
            ELSE role::text
        END
    """))
    op.drop_column("users", "role")
    op.alter_column("users", "role_old", new_column_name="role")
    op.execute("DROP TYPE user_role_new")
