"""The databases that the API can write to and read from; what differs between them is here and nowhere else in it."""
