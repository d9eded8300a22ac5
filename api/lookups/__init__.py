"""Reading records by id: the process's memory, then Valkey, then the database."""
