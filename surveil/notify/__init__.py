"""Events out to people: the notification channels."""
