"""csv rows."""

import sqlalchemy as sa
from alembic import op

from contract import columns

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table('csv_rows',
    sa.Column('id', columns.identity(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('age', sa.Integer(), nullable=False),
    sa.Column('more', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('csv_imports',
    sa.Column('file', columns.identity(), nullable=False),
    sa.Column('way', sa.String(length=10), nullable=False),
    sa.Column('read_as', sa.String(length=100), nullable=False),
    sa.Column('offset', sa.BigInteger(), nullable=False),
    sa.Column('offset_line', sa.BigInteger(), nullable=False),
    sa.Column('line', sa.BigInteger(), nullable=False),
    sa.Column('good', sa.BigInteger(), nullable=False),
    sa.Column('bad', sa.BigInteger(), nullable=False),
    sa.Column('rejects', sa.String(length=4096), nullable=False),
    sa.Column('rejects_bytes', sa.BigInteger(), nullable=False),
    sa.Column('finished', sa.Boolean(), nullable=False),
    sa.Column('noted_at', columns.moment(), nullable=False),
    sa.PrimaryKeyConstraint('file', 'way')
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table('csv_imports')
    op.drop_table('csv_rows')
