"""By its own subtitles: where the words of a movie's dialogues stand in a text track."""
