"""user grades."""

import sqlalchemy as sa
from alembic import op

from contract import columns

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table('user_grades',
    sa.Column('user_id', columns.identity(), nullable=False),
    sa.Column('grade', sa.String(length=10), nullable=False),
    sa.Column('orders', sa.Integer(), nullable=False),
    sa.Column('buyer', sa.Boolean(), nullable=False),
    sa.Column('draw', sa.Double(), nullable=False),
    sa.Column('graded_at', columns.moment(), nullable=False),
    sa.PrimaryKeyConstraint('user_id')
    )
    op.create_index('user_grades_buyer_draw', 'user_grades', ['buyer', 'draw'], unique=False)
    op.create_index('user_grades_draw', 'user_grades', ['draw'], unique=False)


def downgrade() -> None:
    """Take the change back."""
    op.drop_index('user_grades_draw', table_name='user_grades')
    op.drop_index('user_grades_buyer_draw', table_name='user_grades')
    op.drop_table('user_grades')
