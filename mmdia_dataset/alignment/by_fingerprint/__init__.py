"""By its passport: where a movie's timing fingerprint is heard in a recording."""
