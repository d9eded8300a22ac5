"""reviews."""

import sqlalchemy as sa
from alembic import op

from contract import columns

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table('review_results',
    sa.Column('id', columns.identity(), nullable=False),
    sa.Column('job_id', columns.identity(), nullable=False),
    sa.Column('sentiment', sa.String(length=20), nullable=True),
    sa.Column('score', sa.Double(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=True),
    sa.Column('model', sa.String(length=200), nullable=False),
    sa.Column('judged_at', columns.moment(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('review_results_job', 'review_results', ['job_id'], unique=False)
    op.create_table('reviews',
    sa.Column('id', columns.identity(), nullable=False),
    sa.Column('job_id', columns.identity(), nullable=False),
    sa.Column('review_id', sa.BigInteger(), nullable=False),
    sa.Column('product_id', columns.identity(), nullable=False),
    sa.Column('rating', sa.Integer(), nullable=False),
    sa.Column('review_text', sa.String(length=4000), nullable=False),
    sa.Column('written_at', columns.moment(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table('reviews')
    op.drop_index('review_results_job', table_name='review_results')
    op.drop_table('review_results')
