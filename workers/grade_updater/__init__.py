"""The grade updater: computes each user's grade from their orders, in batches."""
