"""Somebody else's service: what a user class of your own looks like. docs/your-service.md explains it."""

from locust import task

from seawall.load import ScheduledUser


class Reader(ScheduledUser):
    """Reads notes and now and then writes one."""

    scopes = {"GET /search": "analytics"}

    @task(6)
    def look(self) -> None:
        """Look one note up."""
        self.client.get(f"/notes/{self.number % 20 + 1}", name="/notes/{id}")

    @task(3)
    def write(self) -> None:
        """Write a note."""
        self.client.post("/notes", json={"text": "Locust was here"})

    @task(1)
    def search(self) -> None:
        """Search all notes for a word."""
        self.client.get("/search?word=here", name="/search")
