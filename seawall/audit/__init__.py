"""Ledgers and their reconciliation with log and rows."""
